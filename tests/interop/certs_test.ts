/** Registries over TLS whose authority only `certs.d` knows, and that want to see a client's certificate. */
import assert from "node:assert/strict";
import { create, fetchManifest, isManifestsError, type SystemContext } from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { digestOf } from "../../src/spec/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";
import { startDockerRegistry } from "../support/registries.ts";

folderTest("docker-registry over TLS is reached with the same certificates as skopeo's", async (folder) => {
  const { ca, server, client } = await makeCertificates(folder);
  await using registry = await startDockerRegistry({ tls: { ...server, clientCa: ca } });
  const image = `${registry.host}/app:1`;
  const fill = async (path: string, files: Record<string, string>) => {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
    for (const [name, from] of Object.entries(files)) await Deno.copyFile(from, `${folder}/${path}/${name}`);
    return `${folder}/${path}`;
  };
  const both = { "ca.crt": ca, "me.cert": client.certificate, "me.key": client.key };
  const all = await fill("all", both);
  await fill(`perhost/${registry.host}`, both);
  const onlyCa = await fill("onlyca", { "ca.crt": ca });
  const onlyClient = await fill("onlyclient", { "me.cert": client.certificate, "me.key": client.key });
  const orphan = await fill("orphan", { "ca.crt": ca, "me.cert": client.certificate });
  const empty = await fill("empty", {});

  const list = create();
  await list.addArtifact([]);
  const { digest } = await list.push(`docker://${image}`, { systemContext: { dockerCertPath: all } });
  const rows: [dockerCertPath: string, code: string | undefined][] = [
    [all, undefined],
    [onlyCa, "NETWORK"],
    [onlyClient, "NETWORK"],
    [empty, "NETWORK"],
    [orphan, "CONFIG_FILE_INVALID"],
  ];
  const outcome = async (systemContext: SystemContext) => {
    try {
      await fetchManifest(`docker://${image}`, { systemContext });
      return undefined;
    } catch (error) {
      if (isManifestsError(error)) return error.code;
      throw error;
    }
  };
  for (const [dockerCertPath, code] of rows) {
    const skopeo = await exec(["skopeo", "inspect", "--raw", "--cert-dir", dockerCertPath, `docker://${image}`]);
    assert.equal(skopeo.code === 0, code === undefined, `skopeo ${dockerCertPath}: ${skopeo.stderr}`);
    assert.equal(await outcome({ dockerCertPath }), code, dockerCertPath);
  }
  assert.equal(await outcome({ dockerPerHostCertDirPath: `${folder}/perhost` }), undefined);
  assert.equal(await outcome({}), "NETWORK");

  // Different identities use different clients, also at the same time.
  const [mine, others] = await Promise.all([outcome({ dockerCertPath: all }), outcome({ dockerCertPath: onlyCa })]);
  assert.deepEqual([mine, others], [undefined, "NETWORK"]);
  const raw = await cliOk(["inspect", "--cert-dir", all, `docker://${image}`]);
  assert.equal(digestOf(new TextEncoder().encode(JSON.stringify(JSON.parse(raw)))), digest);

  // The default place of all tools: a folder of exactly this name.
  await fill(`home/.config/containers/certs.d/${registry.host}`, both);
  await fill(`other/.config/containers/certs.d/127.0.0.1`, both);
  for (const [home, found] of [["home", true], ["other", false]] as const) {
    const env = { HOME: `${folder}/${home}` };
    assert.equal((await exec(["skopeo", "inspect", "--raw", `docker://${image}`], env)).code === 0, found, home);
    assert.equal((await cli(["inspect", `docker://${image}`], env)).code === 0, found, home);
  }

  // An invalid certificate is reported before anything is sent.
  const garbage = await fill("garbage", { "me.cert": server.key, "me.key": ca });
  assert.equal(await outcome({ dockerCertPath: garbage }), "CONFIG_FILE_INVALID");
}, ["skopeo", "docker-registry", "openssl"]);
