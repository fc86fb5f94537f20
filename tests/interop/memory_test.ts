/** A layer of 1 GiB moves from registry to registry in bounded memory. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { createDigester, MEDIA_TYPES } from "../../src/spec/mod.ts";
import { clientOf, describe, encode } from "../support/images.ts";
import { CLI } from "../support/cli.ts";
import { peerTest } from "../support/peers.ts";
import { startDockerRegistry } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const SIZE = 1024 ** 3;
const LIMIT = 150 * 1024;

/** The same bytes each time, without holding them: one piece of noise, over and over, numbered. */
function makeLayer(): ReadableStream<Uint8Array<ArrayBuffer>> {
  const piece = new Uint8Array(1024 * 1024).map((_, i) => (i * 2654435761) >>> 24);
  let count = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = piece.slice();
      new DataView(chunk.buffer).setUint32(0, count);
      controller.enqueue(chunk);
      if (++count === SIZE / piece.length) controller.close();
    },
  });
}

/** Runs a command and returns the kilobytes of memory that its process had at most, read while it runs. */
async function peakMemory(command: string[]): Promise<number> {
  const [name, ...args] = command as [string, ...string[]];
  const child = new Deno.Command(name, { args, stderr: "piped", stdout: "null" }).spawn();
  let peak = 0;
  const done = child.output();
  const watch = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, 20);
  const { code, stderr } = await done;
  clearInterval(watch);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return peak;
}

peerTest("pushing a layer of 1 GiB takes less than 150 MiB", ["docker-registry"], async () => {
  await using from = await startDockerRegistry();
  await using to = await startDockerRegistry();
  await using at = await makeStore();
  const digester = createDigester();
  for await (const chunk of makeLayer()) digester.update(chunk);
  const layer = { mediaType: MEDIA_TYPES.ociLayer, digest: digester.digest(), size: SIZE };
  const repository = clientOf(from.host).repository("app");
  await repository.putBlob(layer, makeLayer());
  const configBytes = encode({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const config = describe(MEDIA_TYPES.ociConfig, configBytes);
  await repository.putBlob(config, new Blob([configBytes]).stream());
  const manifest = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] });
  await repository.putManifest("1", manifest);
  const list = create();
  await list.add(`${from.host}/app:1`, { systemContext: { dockerInsecureSkipTlsVerify: true } });
  await list.saveToImage(at.store, { names: ["big"] });
  const peak = await peakMemory([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "big", `${to.host}/app:1`]);
  assert.equal(await clientOf(to.host).repository("app").headBlob(layer.digest), SIZE);
  assert.ok(peak > 10_000 && peak < LIMIT, `${peak} KiB`);
});
