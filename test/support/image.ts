/**
 * Runs the steps of a Dockerfile without Docker: each stage is a folder, and a step works in the folder as Docker's would in
 * the stage's file system. Knows the instructions and forms that the project's Dockerfile uses, and throws at any other.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** The uid and gid of the user `node` in Node's images. */
export const IMAGE_USER = { uid: 1000, gid: 1000 };

export interface BuiltImage {
  /** The folder that stands for the image's file system. */
  root: string;
  /** The folder of `root` that stands for WORKDIR. */
  workdir: string;
  env: Record<string, string>;
  user: string | undefined;
  /** The program with its arguments, and the arguments that a container may replace. */
  entrypoint: string[];
  command: string[];
}

interface Build {
  context: string;
  stages: ReadonlyMap<string, BuiltImage>;
  isIgnored: (path: string) => boolean;
}

/** Builds the Dockerfile of `context` into a folder. Throws with the output of a step that fails. */
export function buildImage(context: string, folder: string): BuiltImage {
  const stages = new Map<string, BuiltImage>();
  const build: Build = {
    context,
    stages,
    isIgnored: readIgnored(readFileSync(join(context, '.dockerignore'), 'utf8')),
  };
  let stage: BuiltImage | undefined;
  for (const [instruction, rest] of parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    if (instruction === 'FROM') {
      const name = /^node:\S+(?: AS (\S+))?$/.exec(rest)?.[1] ?? `stage-${stages.size}`;
      stage = beginStage(join(folder, name));
      stages.set(name, stage);
    } else if (stage === undefined) throw new Error(`${instruction} before FROM`);
    else runStep(stage, instruction, rest, build);
  }
  if (stage === undefined) throw new Error('The Dockerfile has no FROM.');
  return stage;
}

/** The instructions of a Dockerfile with their arguments, without comments; continued lines are joined. */
export function parseDockerfile(text: string): [instruction: string, rest: string][] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, instruction, rest] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
      if (instruction === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
      return [instruction, rest.trim()];
    });
}

/** Whether .dockerignore leaves out a file: the last rule that matches the file, or a folder above it, decides. */
export function readIgnored(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ isException: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => {
    const last = rules.findLast(({ pattern }) => pattern.test(path));
    return last !== undefined && !last.isException;
  };
}

/** A rule matches a path and all below. Unlike a shell's, its `*` also matches names that begin with a dot. */
function patternOf(rule: string): RegExp {
  const source = rule.replaceAll(/[.+^${}()|[\]\\?]/g, String.raw`\$&`).replaceAll('*', '[^/]*');
  return new RegExp(`^${source}(?:/|$)`);
}

/** A stage with the image's node, which is the one that runs this. */
function beginStage(root: string): BuiltImage {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  cpSync(process.execPath, join(root, 'usr/local/bin/node'));
  return { root, workdir: root, env: {}, user: undefined, entrypoint: [], command: [] };
}

function runStep(stage: BuiltImage, instruction: string, rest: string, build: Build): void {
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = join(stage.root, rest);
      mkdirSync(stage.workdir, { recursive: true });
      return;
    case 'ENV':
      for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name!] = value!;
      return;
    case 'COPY':
      copy(stage, rest, build);
      return;
    case 'RUN':
      run(stage, rest);
      return;
    case 'USER':
      stage.user = rest;
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = JSON.parse(rest) as string[];
      return;
    case 'CMD':
      stage.command = JSON.parse(rest) as string[];
      return;
    case 'EXPOSE':
    case 'STOPSIGNAL':
      return;
    default:
      throw new Error(`The instruction ${instruction} is not known here.`);
  }
}

function copy(stage: BuiltImage, rest: string, { context, stages, isIgnored }: Build): void {
  const from = /^--from=(\S+) /.exec(rest)?.[1];
  const paths = rest.replace(/^--from=\S+ /, '').split(' ');
  const target = paths.pop()!;
  for (const path of paths) {
    const source = from === undefined ? join(context, path) : join(stages.get(from)!.root, path);
    const isLeftOut = (file: string): boolean => isIgnored(relative(context, file));
    if (!existsSync(source) || (from === undefined && isLeftOut(source)))
      throw new Error(`COPY finds no ${path}`);
    const isIntoFolder = target.endsWith('/') && statSync(source).isFile();
    const end = join(stage.workdir, target, isIntoFolder ? basename(source) : '');
    mkdirSync(dirname(end), { recursive: true });
    // Moved, because a copy of node_modules takes long. A second COPY of the path would find nothing.
    if (from !== undefined) renameSync(source, end);
    else
      cpSync(source, end, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (file: string) => !isLeftOut(file),
      });
  }
}

function run(stage: BuiltImage, command: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd: stage.workdir,
    encoding: 'utf8',
    env: {
      HOME: process.env.HOME,
      // npm comes from the machine.
      PATH: `${join(stage.root, 'usr/local/bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
      npm_config_prefer_offline: 'true',
      ...stage.env,
    },
  });
  if (status !== 0) throw new Error(`RUN ${command}\n${stdout}${stderr}`);
}
