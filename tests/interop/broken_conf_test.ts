/** Which configuration files are refused: those that skopeo refuses. */
import assert from "node:assert/strict";
import { fetchManifest, isManifestsError } from "../../mod.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";
import { startRecorded } from "../support/recorded_registries.ts";

const REGISTRY = '[[registry]]\nlocation = "a.test"\n';
const MIRROR = '[[registry.mirror]]\nlocation = "m.test"\n';

folderTest("every registries.conf that skopeo refuses is refused", async (home) => {
  await using registry = startRecorded();
  await registry.put("app", "1");
  const image = `docker://${registry.host}/app:1`;
  const rows: [text: string, accepted: boolean][] = [
    ["", true],
    ["unknown = 1\n[other]\nkey = 2", true],
    [REGISTRY, true],
    ["a = ", false],
    ["a = 1\na = 2", false],
    ["registry = 5", false],
    ["[[registry]]\nlocation = 5", false],
    ["[[registry]]\ninsecure = true", false],
    ['[[registry]]\nprefix = "a.test"', false],
    ['[[registry]]\nprefix = "*.a.test"', true],
    ['[[registry]]\nprefix = "*.a.test/x"', false],
    ['[[registry]]\nprefix = "*.a.test:5"\nlocation = "l.test"', false],
    ['[[registry]]\nlocation = "https://a.test"', false],
    ['[[registry]]\nprefix = "http://a.test"\nlocation = "a.test"', false],
    ['[[registry]]\nlocation = "a.test/"', true],
    [REGISTRY + 'insecure = "yes"', false],
    [REGISTRY + 'pull-from-mirror = "all"', false],
    [REGISTRY + MIRROR, true],
    [REGISTRY + MIRROR + 'pull-from-mirror = "tag-only"', true],
    [REGISTRY + MIRROR + 'pull-from-mirror = "never"', false],
    [REGISTRY + "mirror-by-digest-only = true\n" + MIRROR, true],
    [REGISTRY + "mirror-by-digest-only = true\n" + MIRROR + 'pull-from-mirror = "all"', false],
    [REGISTRY + "[[registry.mirror]]\ninsecure = true", false],
    [REGISTRY + REGISTRY, true],
    [REGISTRY + REGISTRY + "blocked = true", false],
    [REGISTRY + REGISTRY + "insecure = true", false],
    ['unqualified-search-registries = ["a.test", "b.test:5000", "localhost"]', true],
    ['unqualified-search-registries = ["a.test/x"]', false],
    ['unqualified-search-registries = ["https://a.test"]', false],
    ['unqualified-search-registries = "a.test"', false],
    ['short-name-mode = "disabled"', true],
    ['short-name-mode = "loose"', false],
    ['short-name-mode = ""', true],
    ['[aliases]\napp = "a.test/app"\nnone = ""\n"me/app" = "localhost/app"', true],
    ['[aliases]\n"a.test/app" = "b.test/app"', false],
    ['[aliases]\n"app:1" = "b.test/app"', false],
    ['[aliases]\napp = "app"', false],
    ['[aliases]\napp = "b.test/app:1"', false],
    ["[aliases]\napp = 5", false],
    ['[registries.search]\nregistries = ["a.test"]\n[registries.block]\nregistries = ["b.test"]', true],
    ['[registries.search]\nregistries = ["a.test"]\n' + REGISTRY, false],
    ['short-name-mode = "disabled"\n[registries.search]\nregistries = ["a.test"]', false],
    ["[registries.search]\nregistries = []\n" + REGISTRY, true],
    ['[registries.insecure]\nregistries = ["https://a.test"]', false],
    ['[registries.search]\nregistries = ["https://a.test"]', false],
    ['[registries.search]\nregistries = ["a.test/x"]', false],
    ["[registries.search]\nregistries = 5", false],
    ['credential-helpers = ["containers-auth.json"]', true],
    ["credential-helpers = 5", false],
  ];
  const problems: string[] = [];
  for (const [text, accepted] of rows) {
    await writeTree(home, { ".config/containers/registries.conf": text });
    const env = { HOME: home, XDG_RUNTIME_DIR: `${home}/none` };
    const skopeo = await exec(["skopeo", "inspect", "--raw", "--tls-verify=false", image], env);
    const systemContext = {
      dockerInsecureSkipTlsVerify: true,
      systemRegistriesConfPath: `${home}/.config/containers/registries.conf`,
      systemRegistriesConfDirPath: `${home}/none`,
    };
    const error = await fetchManifest(image, { systemContext }).then(() => undefined, (error: Error) => error);
    if (error && !isManifestsError(error, "CONFIG_FILE_INVALID")) throw error;
    if ((skopeo.code === 0) !== accepted) problems.push(`skopeo: ${JSON.stringify(text)}: ${skopeo.stderr}`);
    if ((error === undefined) !== accepted) problems.push(`ours: ${JSON.stringify(text)}: ${error?.message}`);
  }
  assert.deepEqual(problems, []);
}, ["skopeo"]);
