/**
 * npm run soak:memory: simulated users work for COPILOT_SOAK_MINUTES (20) on a real API and a real worker in processes of
 * their own. Exits with 1 when the memory of a process keeps growing after the first third of the time, when a process
 * leaves files open, or when a turn is lost or doubled. Linux only, because it reads /proc.
 */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { judgeMemory, openFilesOf, rssMbOf, type Sample } from './memory.ts';
import { KINDS, soakScript } from './script.ts';
import { runUsers, type Tally } from './users.ts';

const SAMPLE_EVERY_MS = 2_000;
const USERS = 6;
/** How long the processes may take to close what they no longer need. Pools close idle connections after 30 s. */
const SETTLE_MS = 90_000;
const FILES_SLACK = 10;
/** How many of the newest requests keep their bodies in the fake provider. */
const KEPT_REQUESTS = 100;

const minutes = Number(process.env.COPILOT_SOAK_MINUTES ?? 20);
if (!(minutes > 0) || process.platform !== 'linux') {
  console.error('COPILOT_SOAK_MINUTES must be a number of minutes above 0, and the system a Linux.');
  process.exit(1);
}
const durationMs = minutes * 60_000;
const cluster = await startCluster({ script: soakScript });
let isFine = false;
try {
  isFine = await soak();
} finally {
  await cluster.stop();
}
process.exit(isFine ? 0 : 1);

async function soak(): Promise<boolean> {
  const [api, worker] = await Promise.all([cluster.startApi(), cluster.startWorker()]);
  const roles: Record<string, Role> = { API: api, worker };
  const tally: Tally = {
    started: 0,
    byKind: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Tally['byKind'],
    visits: 0,
    deletedSessions: 0,
    faults: [],
  };
  // Warm-up with each kind of turn: some files and connections are opened on first use.
  await runUsers({ cluster, api }, { users: USERS, untilMs: Date.now() + 10_000, tally });
  console.log(`warmed up: ${tally.started} turns`);
  await delay(SAMPLE_EVERY_MS);
  const filesBefore = filesOf(roles);

  const startedAt = Date.now();
  const samples = Object.fromEntries(Object.keys(roles).map((name) => [name, [] as Sample[]]));
  const sampling = setInterval(() => {
    for (const [name, role] of Object.entries(roles))
      samples[name]!.push({ atMs: Date.now() - startedAt, rssMb: rssMbOf(role.child.pid!) });
    for (const request of cluster.fake.requests.slice(0, -KEPT_REQUESTS)) request.body = {};
  }, SAMPLE_EVERY_MS);
  await runUsers({ cluster, api }, { users: USERS, untilMs: startedAt + durationMs, tally });
  clearInterval(sampling);
  console.log(`${tally.started} turns, ${tally.faults.length} faults; now everything comes to rest`);

  const faults = [
    ...tally.faults,
    ...(await faultsInDatabase(cluster)),
    ...(await filesAreBack(roles, filesBefore)),
  ];
  const verdicts = Object.entries(samples).map(([name, of]) => ({ name, ...judgeMemory(of, durationMs) }));
  for (const { name, isFlat } of verdicts)
    if (!isFlat) faults.push(`the memory of the ${name} went on growing`);

  const kinds = KINDS.map((kind) => `${tally.byKind[kind]} ${kind}`).join(', ');
  console.log(
    `\n${new Date().toISOString().slice(0, 10)}, ${minutes} minutes, ${cpus().length} cores, Node ${process.version}: ${tally.started} turns (${kinds}), ${cluster.fake.requests.length} model calls, ${tally.visits} passing readers, ${tally.deletedSessions} deleted sessions\n`,
  );
  console.log(
    '| process | first third | second third | last third | slope after the first third | flat |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const { name, thirdsMb, slopeMbPerHour, isFlat } of verdicts) {
    const cells = [...thirdsMb.map((mb) => `${mb.toFixed(0)} MB`), `${slopeMbPerHour.toFixed(0)} MB an hour`];
    console.log(`| ${name} | ${cells.join(' | ')} | ${isFlat ? 'yes' : 'no'} |`);
  }
  console.log(`\nopen files: ${JSON.stringify(filesBefore)} before, ${JSON.stringify(filesOf(roles))} after`);
  console.log(
    faults.length === 0 ? 'no fault' : `${faults.length} faults:\n${faults.slice(0, 50).join('\n')}`,
  );
  return faults.length === 0;
}

function filesOf(roles: Record<string, Role>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(roles).map(([name, role]) => [name, openFilesOf(role.child.pid!)]),
  );
}

async function filesAreBack(roles: Record<string, Role>, before: Record<string, number>): Promise<string[]> {
  for (const until = Date.now() + SETTLE_MS; ; await delay(SAMPLE_EVERY_MS)) {
    const more = Object.entries(filesOf(roles)).filter(([name, n]) => n > before[name]! + FILES_SLACK);
    if (more.length === 0) return [];
    if (Date.now() > until)
      return more.map(([name, n]) => `the ${name} holds ${n} files open, ${before[name]} before`);
  }
}

/** Finds turns in the database that have not ended exactly once, or whose events have gaps. */
async function faultsInDatabase(of: Cluster): Promise<string[]> {
  const open = async (): Promise<number> =>
    (await of.query(`select 1 from ai.copilot_turns where status in ('starting', 'running')`)).length;
  for (const until = Date.now() + SETTLE_MS; (await open()) > 0 && Date.now() < until; ) await delay(500);
  const rows = await of.query<{ id: string; fault: string }>(`
    select t.id, format('%s, last seq %s, %s events, %s ends, %s messages, %s steps stored', t.status, t.last_seq,
      e.events, e.ends, m.messages, s.steps) as fault
    from ai.copilot_turns t
    cross join lateral (
      select count(*) as events, max(seq) as seq, count(*) filter (where event in ('complete', 'error')) as ends
      from ai.copilot_turn_events where turn_id = t.id) e
    cross join lateral (
      select count(*) as messages from ai.copilot_messages where id in (t.user_message_id, t.message_id)) m
    cross join lateral (
      select count(*) as steps from ai.copilot_transcript where turn_id = t.id and role = 'assistant') s
    where t.status not in ('complete', 'cancelled') or e.ends <> 1 or e.events <> t.last_seq
      or e.seq <> t.last_seq or m.messages <> 2`);
  return rows.map(({ id, fault }) => `turn ${id}: ${fault}`);
}
