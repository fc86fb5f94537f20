/** Environment variables of one test: other test files run in the same process, in threads of their own. */

/**
 * Sets variables for the code and the programs of this thread until it is disposed; `undefined` unsets one. The environment
 * of the process stays as it is, because tests of other threads and their programs would see the change.
 */
export function setVariables(variables: Record<string, string | undefined>): Disposable {
  const { get, toObject } = Deno.env;
  const { Command } = Deno;
  const all = () => {
    const merged = Object.entries({ ...toObject.call(Deno.env), ...variables });
    return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined));
  };
  Deno.env.get = (name) => name in variables ? variables[name] : get.call(Deno.env, name);
  Deno.env.toObject = all;
  Deno.Command = class extends Command {
    constructor(program: string | URL, options: Deno.CommandOptions = {}) {
      super(program, options.clearEnv ? options : { ...options, clearEnv: true, env: { ...all(), ...options.env } });
    }
  };
  return {
    [Symbol.dispose]() {
      Object.assign(Deno.env, { get, toObject });
      Deno.Command = Command;
    },
  };
}
