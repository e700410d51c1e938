// The checks that ThingsBoard makes on the fields of an entity before it looks at anything else.
import { badRequest } from "./errors";

/** `@NoXss`: anything that begins like a tag, a comment or a declaration. */
const MARKUP = /<[a-z!/?]/i;

/** Length and markup of the named fields. What is wrong is told for all fields at once. */
export function checkFields(fields: Readonly<Record<string, string | null>>): void {
    const wrong = Object.entries(fields).flatMap(([name, value]) => [
        ...(value !== null && value.length > 255 ? [`${name} length must be equal or less than 255`] : []),
        ...(value !== null && MARKUP.test(value) ? [`${name} is malformed`] : []),
    ]);
    if (wrong.length > 0) throw badRequest(`Validation error: ${wrong.join(", ")}`);
}

/** `StringUtils.isBlank` in Java. */
export const isBlank = (text: string | null | undefined): text is null | undefined | "" => text === null || text === undefined || text.trim() === "";

export function checkName(what: string, name: string | null): asserts name is string {
    if (isBlank(name)) throw badRequest(`${what} should be specified!`);
    if (name.includes("\0")) throw badRequest(`${what} should not contain 0x00 symbol!`);
}
