/** Time of this thread on a processor, in milliseconds: what else the machine does is not counted. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
