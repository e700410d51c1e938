// The page of the Registry names every setting.

import { expect, it } from "vitest";
import { environmentVariables, settingKeys } from "../../../sdk/settings";
import { pages } from "./pages";

it("each setting of a Provider has its row, with its variable", () => {
    const page = pages.find(({ name }) => name === "docs/installation-configuration.md")!.text;
    const rows = page.split("\n").filter(line => /^\| `\w+` \| `THINGSBOARD_/.test(line)).map(line => line.split(" | ").map(cell => cell.replace(/^\| | \|$|`/g, "").trim()));
    expect(rows.map(([setting, variable]) => [setting, variable])).toEqual(settingKeys.map(key => [key, environmentVariables[key]]));
    expect(rows.filter(([setting]) => ["apiKey", "password"].includes(setting!)).every(row => row.at(-1)!.includes("**secret**"))).toBe(true);
});
