import { VERSION } from "../../internal/room.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";

/** Flags of `version`. */
export interface VersionFlags extends ResultFormat {
  json?: boolean;
}

/** Runs `version`. */
export function version(_operands: string[], flags: VersionFlags): Promise<void> {
  assertFormat(flags);
  const { deno, v8, typescript } = Deno.version;
  const { os, arch } = Deno.build;
  const value = { version: VERSION, deno, v8, typescript, os, arch, osRelease: findRelease() };
  const system = [os, value.osRelease, arch].filter(Boolean).join(" ");
  printResult(flags.json ? { format: "json" } : flags, [
    `manifests ${VERSION}`,
    `deno ${deno} (v8 ${v8}, typescript ${typescript})`,
    `system ${system}`,
  ], value);
  return Promise.resolve();
}

/** Returns the release of the operating system; `undefined` if it may not be read. */
function findRelease(): string | undefined {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "osRelease" }).state === "granted";
  return allowed ? Deno.osRelease() : undefined;
}
