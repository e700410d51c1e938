// docs/messages.md is what the code says.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { messagesPage, page } from "../../../tools/messages/page.mjs";

it("docs/messages.md is up to date: run `npm run docs:messages` if not", () => {
    expect(messagesPage()).toBe(readFileSync(page, "utf8"));
});
