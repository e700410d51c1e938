// Text from outside - of a server, of a certificate, of a name - made fit for a terminal and a log.

/** What a terminal obeys, a log takes for the next line, or an editor shows in another order than it stands in. */
const obeyed = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\uFEFF]/gu;

/** On one line; what is not a line break or a tab shows as `\u202e`, so that a name that holds it can be told from one that doesn't. */
export const printable = (text: string): string =>
    text.replace(/[\r\n\t]+/g, " ").replace(obeyed, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The same, cut to `longest` characters: for what somebody else may have made as long as he liked. */
export function excerpt(text: string, longest = 300): string {
    const characters = [...printable(text)];
    return characters.length <= longest ? characters.join("") : `${characters.slice(0, longest - 1).join("")}…`;
}

/**
 * A value as JSON for a sentence that says what is wrong with it: cut, since it may be anything of any length, and without a
 * private key in the wrong place.
 */
export function shown(value: unknown): string {
    if (typeof value !== "string") return excerpt(JSON.stringify(value) ?? String(value), longestShown);
    if (value.includes("PRIVATE KEY")) return "a private key";
    const characters = [...value.slice(0, 4 * longestShown)];
    return printable(JSON.stringify(characters.length > longestShown ? `${characters.slice(0, longestShown).join("")}…` : value));
}

/** Characters. */
const longestShown = 60;
