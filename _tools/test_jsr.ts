/** Runs the tests against the published `@std` packages instead of their stand-ins. Needs access to JSR. */
const config = JSON.parse(await Deno.readTextFile("deno.json"));
delete config.links;
delete config.lint.plugins;
await Deno.writeTextFile("deno.jsr.json", JSON.stringify(config, null, 2));
try {
  const args = ["test", "-A", "--config", "deno.jsr.json", "--no-lock", "--parallel", "tests"];
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove("deno.jsr.json");
}
