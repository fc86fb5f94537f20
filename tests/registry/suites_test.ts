import { openDirectoryStorage } from "../../src/server/directory/room.ts";
import { openNodeFetch } from "../../src/registry/node/room.ts";
import { runRegistrySuite } from "../contracts/registry_suite.ts";
import { peerTest } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";
import { startHtpasswdRegistry, startTokenRegistry } from "../support/secure_registries.ts";

const define = (name: string, fn: () => Promise<void>) => Deno.test(name, fn);

runRegistrySuite("embedded registry in memory", define, () => startEmbedded());

runRegistrySuite("embedded registry in a directory", define, async () => {
  const folder = await Deno.makeTempDir();
  const storage = await openDirectoryStorage(folder);
  const registry = startEmbedded({ storage });
  return {
    ...registry,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      storage[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
});

runRegistrySuite(
  "docker-registry",
  (name, fn) => peerTest(name, ["docker-registry"], fn),
  startDockerRegistry,
);

runRegistrySuite(
  "docker-registry with passwords, over TLS",
  (name, fn) => peerTest(name, ["docker-registry", "openssl"], fn),
  () => startHtpasswdRegistry(),
);

runRegistrySuite(
  "docker-registry with a token service",
  (name, fn) => peerTest(name, ["docker-registry", "openssl"], fn),
  startTokenRegistry,
);

runRegistrySuite(
  "docker-registry with passwords, over TLS of node",
  (name, fn) => peerTest(name, ["docker-registry", "openssl"], fn),
  () => startHtpasswdRegistry((ca) => openNodeFetch({ caCerts: [ca] })),
);
