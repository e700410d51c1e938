// What docs/troubleshooting.md says about an engine that was killed while it wrote the state.

import { copyFileSync, existsSync, readdirSync, truncateSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { own } from "./support/live";
import { failure, tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

test("an empty state file is put back from the backup beside it, and the next up finds what was made since", async () => {
    const declare = (...names: string[]) => async () => names.forEach(name => void new tb.Device(name, { name: own(name) }));
    const stack = await testStack(server, declare("first"));
    await stack.up();
    stack.program = declare("first", "second");
    await stack.up();
    const folder = path.join(stack.folder, ".pulumi", "stacks", "fleet");
    const file = path.join(folder, readdirSync(folder).find(name => /^[^.]+\.json$/.test(name))!);
    truncateSync(file);

    const text = await failure(stack.up({ refresh: true }));
    expect(text).toContain("unexpected end of JSON input");
    expect(existsSync(`${file}.bak`)).toBe(true);
    copyFileSync(`${file}.bak`, file);
    const before = await Promise.all(["first", "second"].map(name => server.deviceByName(own(name))));
    await stack.up({ refresh: true });
    expect(await Promise.all(["first", "second"].map(name => server.deviceByName(own(name))))).toMatchObject(before.map(device => ({ id: device!.id })));
    await stack.preview({ refresh: true, expectNoChanges: true });
    await stack.destroy();
    expect(await server.deviceByName(own("second"))).toBeUndefined();
});
