/** Registries with certificates that `fetch` takes from nobody: taken where skopeo takes them, and nowhere else. */
import assert from "node:assert/strict";
import { create, fetchManifest, isManifestsError, type SystemContext } from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import { pushPlatforms } from "../support/images.ts";
import { exec, ok } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";

/** A certificate that is authority and server in one, as `openssl req -x509` makes them, for these names. */
async function selfSigned(folder: string, name: string, subjectAltName: string) {
  const [certificate, key] = [`${folder}/${name}.pem`, `${folder}/${name}.key`];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${subjectAltName}`];
  await ok(["openssl", "req", "-x509", ...newKey, "-keyout", key, "-out", certificate, ...names]);
  return { certificate, key };
}

folderTest("docker-registry with unusual certificates is reached whenever skopeo reaches it", async (folder) => {
  const ownCertificate = await selfSigned(folder, "own", "IP:127.0.0.1");
  const otherName = await selfSigned(folder, "other", "DNS:other.test");
  const signed = await makeCertificates(folder);
  await using withOwn = await startDockerRegistry({ tls: ownCertificate });
  await using withOther = await startDockerRegistry({ tls: otherName });
  await using withSigned = await startDockerRegistry({ tls: signed.server });
  await using from = startEmbedded();
  const [source] = await pushPlatforms(from.host, "app", [{ architecture: "amd64" }]);
  const certs = async (name: string, certificate: string) => {
    await Deno.mkdir(`${folder}/${name}`);
    await Deno.copyFile(certificate, `${folder}/${name}/ca.crt`);
    return `${folder}/${name}`;
  };
  const [ownCerts, otherCerts] = [
    await certs("a", ownCertificate.certificate),
    await certs("b", otherName.certificate),
  ];
  const insecure = { dockerInsecureSkipTlsVerify: true };
  const list = create();
  await list.add(`${from.host}/app@${source}`, { systemContext: insecure });
  for (const { host } of [withOwn, withOther, withSigned]) {
    await list.push(`${host}/app:1`, { systemContext: insecure });
  }

  // By registries.conf alone, for one of them alone.
  await writeTree(folder, {
    "home/.config/containers/registries.conf": `[[registry]]\nlocation = "${withSigned.host}"\ninsecure = true`,
  });
  const byConf = {
    systemRegistriesConfPath: `${folder}/home/.config/containers/registries.conf`,
    systemRegistriesConfDirPath: `${folder}/none`,
  };
  const outcome = async (image: string, systemContext: SystemContext) => {
    try {
      await fetchManifest(image, { systemContext });
      return true;
    } catch (error) {
      if (isManifestsError(error, "NETWORK")) return false;
      throw error;
    }
  };
  const rows: [host: string, context: SystemContext, flags: string[], reached: boolean][] = [
    [withOwn.host, insecure, ["--tls-verify=false"], true],
    [withOther.host, insecure, ["--tls-verify=false"], true],
    [withSigned.host, insecure, ["--tls-verify=false"], true],
    [withSigned.host, byConf, [], true],
    [withOwn.host, byConf, [], false],
    [withSigned.host, { ...byConf, dockerInsecureSkipTlsVerify: false }, ["--tls-verify=true"], false],
    [withOwn.host, { dockerCertPath: ownCerts }, ["--cert-dir", ownCerts], true],
    [withOther.host, { dockerCertPath: otherCerts }, ["--cert-dir", otherCerts], false],
    [withOwn.host, { dockerCertPath: otherCerts }, ["--cert-dir", otherCerts], false],
  ];
  for (const [host, context, flags, reached] of rows) {
    const image = `docker://${host}/app:1`;
    const row = JSON.stringify([host, context]);
    const env = { HOME: `${folder}/home` };
    const skopeo = await exec(["skopeo", "inspect", "--raw", ...flags, image], env);
    assert.equal(skopeo.code === 0, reached, `skopeo ${row}: ${skopeo.stderr}`);
    assert.equal(await outcome(image, context), reached, row);
  }
  // At once: who may be insecure does not make others so.
  const image = `docker://${withOwn.host}/app:1`;
  assert.deepEqual(await Promise.all([outcome(image, insecure), outcome(image, {}), outcome(image, insecure)]), [
    true,
    false,
    true,
  ]);
}, ["skopeo", "docker-registry", "openssl"]);
