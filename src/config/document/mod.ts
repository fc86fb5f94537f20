/**
 * Typed access to JSON, TOML and YAML documents. Errors name the file, line and key.
 *
 * @module
 */
export { parseJsonFile } from "./json.ts";
export { ConfTable } from "./table.ts";
export { parsePlainToml } from "./plain_toml.ts";
export { parseToml, type TomlParser } from "./toml.ts";
export { parseYaml, type YamlParser } from "./yaml.ts";
