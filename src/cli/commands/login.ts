import type { Credentials } from "../../spec/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import { eraseAllLogins, type Login, openLogin, type SystemContext } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags } from "../context.ts";
import { UsageError } from "../errors.ts";
import { print } from "../output.ts";
import { askText, readAllInput, readSecret } from "../secrets.ts";

/** Flags of `login` and `logout` about the credential file. */
interface FileFlags extends RegistryFlags {
  compatAuthFile?: string;
}

/** Flags of `login`. */
export interface LoginFlags extends FileFlags {
  username?: string;
  password?: string;
  passwordStdin?: boolean;
  getLogin?: boolean;
  verbose?: boolean;
}

/** Runs `login [REGISTRY]`. The texts are those of podman. */
export async function login([registry]: string[], flags: LoginFlags, context: CommandContext): Promise<void> {
  const at = await openLogin(registry, await createCall(flags, context));
  const saved = await at.find();
  if (flags.getLogin) return print(saved?.username || failNotLoggedIn(at));
  await at.assertSavable();
  if (saved?.identityToken) throw new Error("currently logged in, auth file contains an Identity token");
  const typed = flags.passwordStdin ? await readPassword(flags, context.signal) : flags.password;
  if (!flags.username && !typed && await isStillValid(at, saved)) return;
  const username = flags.username || (await askUserName(saved?.username, typed, context.signal));
  if (username.includes(":")) throw new UsageError(`invalid user name ${JSON.stringify(username)}: it contains ":"`);
  const password = typed || await readSecret("password", PASSWORD_ADVICE, context.signal);
  await check(at, { username, password });
  const location = await at.save({ username, password });
  if (flags.verbose) print(`Used:  ${location}`);
  print("Login Succeeded!");
}

const PASSWORD_ADVICE = "Use --password-stdin";

/** Flags of `logout`. */
export interface LogoutFlags extends FileFlags {
  all?: boolean;
}

/** Runs `logout [REGISTRY]` and `logout --all`. The texts are those of podman. */
export async function logout([registry]: string[], flags: LogoutFlags, context: CommandContext): Promise<void> {
  const call = await createCall(flags, context);
  await assertExists(flags);
  if (flags.all) {
    if (registry !== undefined) throw new UsageError("--all takes no arguments");
    await eraseAllLogins(call);
    return print("Removed login credentials for all registries");
  }
  const at = await openLogin(registry, call);
  if (await at.erase()) return print(`Removed login credentials for ${at.key}`);
  const saved = await at.find();
  if (!isPassword(saved) || !await at.check(saved).then(() => true, () => false)) return failNotLoggedIn(at);
  print(
    `Not logged into ${at.key} with current tool. Existing credentials were established via docker login. ` +
      "Please use docker logout instead.",
  );
}

async function createCall(
  flags: FileFlags,
  context: CommandContext,
): Promise<{ systemContext: SystemContext; signal: AbortSignal }> {
  const { authfile, compatAuthFile } = flags;
  if (authfile !== undefined && compatAuthFile !== undefined) {
    throw new UsageError(
      "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously",
    );
  }
  const systemContext = await createSystemContext(flags, context);
  const file = compatAuthFile === undefined ? {} : { dockerCompatAuthFilePath: compatAuthFile };
  return { systemContext: { ...systemContext, ...file }, signal: context.signal };
}

/** Checks that the file that a flag of `logout` names exists: nothing can be deleted from a mistyped path. */
async function assertExists({ authfile, compatAuthFile }: FileFlags): Promise<void> {
  const path = authfile ?? compatAuthFile;
  if (path === undefined) return;
  try {
    await Deno.stat(path);
  } catch (error) {
    throw new Error(`credential file is not accessible: ${(error as Error).message}`, { cause: error });
  }
}

function isPassword(saved: Credentials | undefined): saved is { username: string; password: string } {
  return Boolean(saved?.username && saved.password);
}

async function isStillValid(at: Login, saved: Credentials | undefined): Promise<boolean> {
  if (!isPassword(saved)) return false;
  print(`Authenticating with existing credentials for ${at.key}`);
  try {
    await at.check(saved);
  } catch (error) {
    if (!isRejection(error)) throw describeFailure(at, error);
    print("Existing credentials are invalid, please enter valid username and password");
    return false;
  }
  print(`Existing credentials are valid. Already logged in to ${at.registry}`);
  return true;
}

async function check(at: Login, credentials: { username: string; password: string }): Promise<void> {
  try {
    await at.check(credentials);
  } catch (error) {
    if (isRejection(error)) throw new Error(`logging into ${JSON.stringify(at.registry)}: invalid username/password`);
    throw describeFailure(at, error);
  }
}

/** Returns whether the registry rejected the credentials, rather than not having been asked. */
function isRejection(error: unknown): boolean {
  return isManifestsError(error, "UNAUTHORIZED") && error.name === "RegistryError";
}

function describeFailure(at: Login, cause: unknown): Error {
  return new Error(`authenticating creds for ${JSON.stringify(at.registry)}`, { cause });
}

async function readPassword({ username, password }: LoginFlags, signal: AbortSignal): Promise<string> {
  if (password) throw new UsageError("can't specify both --password-stdin and --password");
  if (!username) throw new UsageError("must provide --username with --password-stdin");
  // Podman joins the lines.
  const text = (await readAllInput(signal)).replace(/\r?\n/g, "");
  if (text === "") throw new UsageError("--password-stdin: standard input is empty");
  return text;
}

async function askUserName(saved: string | undefined, password: string | undefined, signal: AbortSignal) {
  // Fails before the user types a name in vain.
  if (!password && !Deno.stdin.isTerminal()) {
    throw new UsageError(
      `Cannot ask for the user name and password: standard input is not a terminal. Use --username and --password-stdin`,
    );
  }
  const typed = (await askText(saved ? `Username (${saved}): ` : "Username: ", signal)).trim();
  return typed || saved || failUserName();
}

function failUserName(): never {
  throw new UsageError("a user name is required");
}

function failNotLoggedIn({ key }: Login): never {
  throw new Error(`not logged into ${key}`);
}
