import type { CommandResult } from "./peers.ts";

/** Waits for its map of ids, then runs the command. */
const SCRIPT = `
set -e
unshare --user --mount sh -c 'read _ <"$0"; exec "$@"' "$FIFO" "$@" &
child=$!
while [ "$(readlink /proc/$child/ns/user)" = "$(readlink /proc/self/ns/user)" ]; do :; done
printf '0 0 1\\n1 100001 65535\\n' >/proc/$child/uid_map
printf '0 0 1\\n1 100001 65535\\n' >/proc/$child/gid_map
echo >"$FIFO"
wait $child
`;

/**
 * Runs a command as root of a user namespace with 65536 ids, as `podman unshare` does. Its root owns the files of the
 * real one, so that it can read this checkout.
 */
export async function execInUserNamespace(command: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const folder = await Deno.makeTempDir({ prefix: "userns-" });
  try {
    const fifo = `${folder}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    const output = await new Deno.Command("sh", {
      args: ["-c", SCRIPT, "sh", ...command],
      env: { ...env, FIFO: fifo, _CONTAINERS_USERNS_CONFIGURED: "done" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
