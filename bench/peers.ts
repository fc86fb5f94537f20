import { PEERS } from "../tests/support/oracles.ts";
import { CLI, NO_CACHE, SKOPEO } from "./settings.ts";
import { type Candidate, measure } from "./support.ts";

/** Finds a peer: as `deno task oracles -- peers` built it, otherwise on `PATH`. Returns `undefined` if there is none. */
export async function findPeer(name: string): Promise<string | undefined> {
  for (const folder of [PEERS, ...(Deno.env.get("PATH") ?? "").split(":")]) {
    const info = await Deno.stat(`${folder}/${name}`).catch(() => undefined);
    if (info?.isFile) return `${folder}/${name}`;
  }
  return undefined;
}

/** A copy of an image and everything in it, from one name in a registry on loopback to another. */
export interface PeerCopy {
  /** Name of the image to copy, without a transport. */
  from: string;
  /** Returns the name to copy to, without a transport, for a program and a run. */
  to: (name: string, run: number) => string;
  /** Called before each run. Default: nothing. */
  prepare?: () => Promise<void>;
}

/** Lists the command line of this project and the peers that are found, each with its command for a copy. */
export async function listCopies({ from, to, prepare }: PeerCopy): Promise<Candidate[]> {
  const hostOf = (image: string) => image.split("/")[0]!;
  const hosts = [...new Set([hostOf(from), hostOf(to("", 0))])];
  const plain = hosts.flatMap((host) => ["--host", `reg=${host},tls=disabled`]);
  const commands: Record<string, (tool: string, target: string) => string[]> = {
    crane: (tool, target) => [tool, "copy", "--insecure", from, target],
    regctl: (tool, target) => [tool, ...plain, "image", "copy", from, target],
    oras: (tool, target) => [tool, "copy", "--from-plain-http", "--to-plain-http", from, target],
    skopeo: (tool, target) => [tool, ...SKOPEO.slice(1), `docker://${from}`, `docker://${target}`],
  };
  const ours = [...CLI, "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", `docker://${from}`];
  const candidates: Candidate[] = [{
    name: "manifests copy",
    run: async (run) => await measure([...ours, `docker://${to("ours", run)}`], NO_CACHE),
  }];
  for (const [name, command] of Object.entries(commands)) {
    const tool = await findPeer(name);
    if (tool) candidates.push({ name, run: async (run) => await measure(command(tool, to(name, run))) });
  }
  return candidates.map((candidate) => prepare ? { ...candidate, prepare } : candidate);
}
