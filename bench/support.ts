/** Helpers of the benches: measurements, reports and a relay that adds latency. */
import { exec, ok } from "../tests/support/peers.ts";

/** Measurements of several runs of one candidate. */
export interface Sample {
  name: string;
  /** Duration of each run, in milliseconds. */
  times: number[];
  /** Resources that the processes of the runs used; empty if they were not measured. */
  usages: Usage[];
}

/** Resources that a process used, with the processes that it started. */
export interface Usage {
  /** Duration, in milliseconds, without the start of the program that measures. */
  wall: number;
  /** CPU time of user and system, in milliseconds. */
  cpu: number;
  /** Maximum resident memory, in MiB. */
  memory: number;
}

/** A program that is compared with others. */
export interface Candidate {
  name: string;
  /** Called before each run, not measured. */
  prepare?: (run: number) => Promise<void>;
  run: (run: number) => Promise<Usage | void>;
}

/** Returns the median of some numbers. */
function findMedian(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Runs candidates in turn, so that other work of the machine affects all of them equally. */
export async function compare(
  runs: number,
  candidates: readonly Candidate[],
): Promise<Sample[]> {
  const samples = candidates.map(({ name }): Sample => ({ name, times: [], usages: [] }));
  for (let run = 0; run < runs; run++) {
    for (const [i, candidate] of candidates.entries()) {
      await candidate.prepare?.(run);
      const started = performance.now();
      const usage = await candidate.run(run);
      samples[i]!.times.push(usage?.wall ?? performance.now() - started);
      if (usage) samples[i]!.usages.push(usage);
    }
  }
  return samples;
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** The medians of a sample: wall time, CPU time and memory, as far as they were measured. */
function listMedians({ times, usages }: Sample): number[] {
  const medians = [findMedian(times)];
  if (usages.length === 0) return medians;
  return [...medians, findMedian(usages.map(({ cpu }) => cpu)), findMedian(usages.map(({ memory }) => memory))];
}

function formatSample(sample: Sample): string {
  const [wall, cpu, memory] = listMedians(sample).map((median) => median.toFixed(0));
  const used = cpu === undefined ? "" : `  CPU ${cpu.padStart(6)} ms  ${memory!.padStart(5)} MiB`;
  return `  ${sample.name.padEnd(34)} ${wall!.padStart(7)} ms${used}`;
}

/** The load of the machine: with more than its processors, only CPU time and memory can be compared. */
function formatLoad(): string {
  return `load ${Deno.loadavg()[0]!.toFixed(1)} on ${navigator.hardwareConcurrency} processors`;
}

/** Prints a comparison: the sample of this project first, then the others with their ratios. */
export function report(title: string, [project, ...others]: readonly Sample[]): void {
  printLine(`\n${title} (${formatLoad()})\n${formatSample(project!)}`);
  for (const other of others) {
    const theirs = listMedians(other);
    const ratios = listMedians(project!).slice(0, theirs.length).map((ours, i) => (ours / theirs[i]!).toFixed(2));
    const names = ["time", "CPU", "memory"];
    printLine(`${formatSample(other)}   manifests / this: ${ratios.map((r, i) => `${names[i]} ${r}`).join(", ")}`);
  }
}

/** Prints samples without comparing them. */
export function reportAll(title: string, samples: readonly Sample[]): void {
  printLine(`\n${title} (${formatLoad()})\n${samples.map(formatSample).join("\n")}`);
}

/** Runs a command and returns the resources that its processes used. Throws if it fails. */
export async function measure(command: string[], env: Record<string, string> = {}): Promise<Usage> {
  const { code, stderr } = await exec(["/usr/bin/env", "python3", "-c", USAGE, ...command], env);
  const [usage, ...rest] = stderr.trimEnd().split("\n").reverse();
  if (code !== 0) throw new Error(`${command.join(" ")} exited ${code}: ${rest.reverse().join("\n")}`);
  const [wall, seconds, peak] = usage!.split(" ").map(Number);
  return { wall: wall! * 1000, cpu: seconds! * 1000, memory: peak! / 1024 };
}

/**
 * Python program that runs a command, and prints its duration and CPU time in seconds and its maximum resident memory in
 * KiB as the last line of standard error.
 */
const USAGE = `
import resource, subprocess, sys, time
started = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
sys.exit(code)
`;

/** Starts a TCP relay that delays every chunk by `milliseconds` each way. */
export function startRelay(target: string, milliseconds: number): AsyncDisposable & { host: string } {
  const [hostname, port] = target.split(":") as [string, string];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname, port: Number(port) });
      for (const connection of [client, server]) {
        open.add(connection);
        (connection as Deno.TcpConn).setNoDelay(true);
      }
      pipe(client, server, milliseconds);
      pipe(server, client, milliseconds);
    }
  })().catch(() => {});
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await serving;
    },
  };
}

/** Forwards bytes. Chunks keep their order and intervals, so that the delay does not limit the throughput. */
async function pipe(from: Deno.Conn, to: Deno.Conn, milliseconds: number): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const buffer = new Uint8Array(65536);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      const chunk = buffer.slice(0, count);
      const due = new Promise((resolve) => setTimeout(resolve, milliseconds));
      last = Promise.all([last, due]).then(async () => {
        for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
      });
      last.catch(() => {});
    }
    await last;
  } catch {
    // If one connection breaks, both are closed.
  }
  close(to);
  close(from);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The connection is already closed.
  }
}

export { ok };
