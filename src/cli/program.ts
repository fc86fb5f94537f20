import { Command, Option } from "commander";
import { VERSION } from "../internal/mod.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { collect, collectList } from "./flags.ts";

/** An action with its positional arguments, its options and the context. */
type Action<O> = (args: string[], options: O, context: CommandContext) => Promise<void>;

/** Adds a subcommand whose code is loaded when it is called. */
type AddCommand = <O>(spec: string, description: string, load: () => Promise<Action<O>>) => Command;

/** The command line's grammar. */
export function createProgram(signal: AbortSignal): Command {
  const program = new Command("manifests")
    .description("Create, edit, store and push multi-architecture manifest lists")
    .version(VERSION, "-v, --version")
    .option("--root <path>", "storage root")
    .option("--runroot <path>", "storage state root")
    .option("--storage-driver <name>", "storage driver")
    .option("--storage-opt <option>", "storage driver option", collect)
    .option("--registries-conf <file>", "what is known of registries (registries.conf)")
    .option("--registries-conf-dir <folder>", "folder of its drop-ins")
    .addOption(new Option("--short-name-alias-conf <file>").hideHelp())
    .addOption(new Option("--log-level <level>").hideHelp())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "Error: ")) });
  const command: AddCommand = (spec, description, load) => {
    const sub = program.command(spec).description(description).exitOverride().copyInheritedSettings(program);
    return sub.action(async (...given: unknown[]) => {
      const [options] = given.splice(-2) as [never];
      const args = given.flat().filter((arg): arg is string => arg !== undefined);
      const action = await load();
      await action(args, options, { globals: program.opts<GlobalOptions>(), signal });
    });
  };
  addCreate(command);
  addAdd(command);
  addAnnotate(command);
  addInspect(command);
  addPush(command);
  addSmall(command);
  return program;
}

function addCreate(command: AddCommand): void {
  const load = async () => (await import("./commands/create.ts")).create;
  platformFlags(registryFlags(
    command("create <list> [images...]", "create a list, with images if any are named", load)
      .option("-a, --amend", "use the list of that name if there is one")
      .option("--replace", "take the name from whatever has it")
      .option("--annotation <key=value>", "annotation of the list", collect),
  )).addOption(all());
}

function addAdd(command: AddCommand): void {
  const load = async () => (await import("./commands/add.ts")).add;
  platformFlags(registryFlags(
    command("add <list> <images...>", "add images, or files as an artifact, to a list", load)
      .option("--annotation <key=value>", "annotation of the entry", collect)
      .option("--os-version <version>", "version of the operating system")
      .option("--features <list>", "CPU features", collectList)
      .option("--os-features <list>", "features of the operating system", collectList)
      .option("--artifact", "add files as an artifact")
      .option("--artifact-type <type>", "type of the artifact")
      .option("--artifact-config <file>", "file with the artifact's configuration")
      .option("--artifact-config-type <type>", "media type of the artifact's configuration")
      .option("--artifact-layer-type <type>", "media type of the artifact's files")
      .option("--artifact-exclude-titles", "do not record the files' names")
      .option("--artifact-subject <image>", "what the artifact is about")
      .option("--artifact-annotation <key=value>", "annotation of the artifact's manifest", collect),
  )).addOption(all());
}

function addAnnotate(command: AddCommand): void {
  const load = async () => (await import("./commands/annotate.ts")).annotate;
  registryFlags(
    command("annotate <list> [instance]", "change what a list says about an instance, or about itself", load)
      .option("--index", "change the list itself")
      .option("--annotation <key=value>", "annotation", collect)
      .option("--arch <architecture>", "architecture")
      .option("--os <os>", "operating system")
      .option("--variant <variant>", "variant of the architecture")
      .option("--os-version <version>", "version of the operating system")
      .option("--features <list>", "CPU features", collectList)
      .option("--os-features <list>", "features of the operating system", collectList)
      .option("--subject <image>", "what the list is about"),
  );
}

function addInspect(command: AddCommand): void {
  const load = async () => (await import("./commands/inspect.ts")).inspect;
  registryFlags(command("inspect <image>", "show a list, local or in a registry", load));
}

function addPush(command: AddCommand): void {
  const load = async () => (await import("./commands/push.ts")).push;
  registryFlags(
    command("push <list> [destination]", "push a list and its images", load)
      .addOption(new Option("--all", "push the images too").default(true))
      .addOption(new Option("--no-all").hideHelp())
      .option("--rm", "delete the local list after it was pushed")
      .addOption(new Option("-p, --purge").hideHelp())
      .option("--digestfile <file>", "write the digest of the pushed list to a file")
      .option("-f, --format <type>", "write manifests as oci or v2s2")
      .option("--compression-format <name>", "compress layers with gzip, zstd or zstd:chunked")
      .option("--compression-level <level>", "level of that compression")
      .option(
        "--force-compression",
        "compress layers anew that are compressed in another way (default with --compression-format)",
      )
      .addOption(new Option("--no-force-compression").hideHelp())
      .option("--add-compression <name>", "offer every platform also in this compression", collectList)
      .option("--retry <count>", "how often a failed step is tried again (default: 3)")
      .option("--retry-delay <duration>", "time between tries, as in 2s")
      .option("-q, --quiet", "print nothing on the way"),
  );
}

function addSmall(command: AddCommand): void {
  command(
    "exists <list>",
    "exit with 0 if there is such a list, with 1 if not",
    async () => (await import("./commands/exists.ts")).exists,
  );
  command(
    "remove <list> <instance>",
    "remove an instance from a list",
    async () => (await import("./commands/remove.ts")).remove,
  );
  command("rm <lists...>", "delete lists", async () => (await import("./commands/rm.ts")).rm)
    .option("-i, --ignore", "do not complain about lists that are not there");
}

function all(): Option {
  return new Option("--all", "add every image of a list").default(false);
}

function registryFlags(command: Command): Command {
  return command
    .option("--authfile <path>", "credential file")
    .option("--cert-dir <path>", "folder with certificates for the registry")
    .option("--creds <user:password>", "credentials")
    .addOption(new Option("--tls-verify", "demand https and valid certificates"))
    .addOption(new Option("--no-tls-verify").hideHelp())
    .addOption(new Option("--insecure").hideHelp());
}

function platformFlags(command: Command): Command {
  return command
    .option("--arch <architecture>", "choose this architecture from lists")
    .option("--os <os>", "choose this operating system from lists")
    .option("--variant <variant>", "choose this variant from lists");
}
