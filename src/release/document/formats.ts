import { findPlatform, isTag, parseReference } from "../../spec/room.ts";
import { expandTemplate } from "../template.ts";
import type { TextFormat } from "./rules.ts";
import { VARIABLE_NAME } from "./variables.ts";

/** Regular expression of a variable in a text. */
const VARIABLE = `\\$\\{${VARIABLE_NAME}\\}`;
/** Regular expressions of the parts of names, in which each character can be a variable. */
const HOST = `(?:[A-Za-z0-9._:\\[\\]-]|${VARIABLE})+`, PATH = `(?:/(?:[a-z0-9._-]|${VARIABLE})+)*`;
const TAG_TEXT = `(?:[A-Za-z0-9_]|${VARIABLE})(?:[A-Za-z0-9._-]|${VARIABLE}){0,127}`;

/** Form of the name of a release in a file. */
export const RELEASE_NAME: TextFormat = {
  name: "a name of letters, digits, dots, dashes and underscores, such as app",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
};

/** Form of the name of a variable. */
export const VARIABLE_FORMAT: TextFormat = {
  name: "the name of a variable, such as VERSION",
  pattern: `^${VARIABLE_NAME}$`,
};

/** Form of a tag without its repository. */
export const TAG: TextFormat = { name: "a tag, such as 1.2.3", pattern: `^${TAG_TEXT}$`, check: isTag };

/** Form of a repository without a tag. */
export const REPOSITORY: TextFormat = {
  name: "a repository without a tag, such as quay.io/me/app",
  pattern: `^${HOST}${PATH}$`,
  check: (text) => {
    const { tag, digest } = parseReference(text);
    return tag === undefined && digest === undefined;
  },
};

/** Form of a prefix that completes the names of repositories. */
export const REGISTRY: TextFormat = {
  name: "a registry, such as quay.io or quay.io/me",
  pattern: `^${HOST}${PATH}$`,
  check: (text) => parseReference(`${text}/app`).name.startsWith(`${text}/`),
};

/** Form of a repository with a tag, but without a digest. */
export const TAGGED: TextFormat = {
  name: "a name with a tag, such as quay.io/me/app:1.2.3",
  pattern: `^${HOST}${PATH}:${TAG_TEXT}$`,
  check: (text) => {
    const { tag, digest } = parseReference(text);
    return tag !== undefined && digest === undefined;
  },
};

/** Form of the name of an image in any place. */
export const IMAGE: TextFormat = {
  name: "an image, such as quay.io/me/app:1.2.3-amd64 or oci:folder",
  pattern: "^\\S(?:.*\\S)?$",
};

/** Form of a platform that is written as a text. */
export const PLATFORM: TextFormat = {
  name: "a platform, such as linux/arm64, linux/arm/v7 or windows/amd64:10.0.20348.1",
  pattern: `^[^/:+@\\s]+(?:/[^/:+@\\s]+){1,2}(?::[^/:+@\\s]+)?(?:\\+[^/:+@\\s]+)*$`,
  check: (text) => findPlatform(text) !== undefined,
};

/** Form of a name with placeholders for parts of a platform. */
export const TEMPLATE: TextFormat = {
  name: "a name with {os}, {arch}, {variant} or {osversion}, such as quay.io/me/app:1.2.3-{arch}{variant}",
  pattern: "^\\S*\\{[a-z]+\\}\\S*$",
  check: (text) => expandTemplate(text, "linux/amd64"),
};

/** Form of a pattern that tags are compared with. */
export const GLOB: TextFormat = {
  name: "a tag, in which * stands for any characters and ? for one, such as *.*.*",
  pattern: `^(?:[A-Za-z0-9._*?-]|${VARIABLE})+$`,
};

/** Form of a text that names the place of a secret, instead of the secret. */
export const SECRET: TextFormat = {
  name: "env:NAME or file:PATH, the place of the secret",
  pattern: `^(?:env:${VARIABLE_NAME}|file:.+)$`,
  isSecret: true,
};

/** Form of any text that is not empty. */
export const FILLED: TextFormat = { name: "a text that is not empty", pattern: "^.+$" };
