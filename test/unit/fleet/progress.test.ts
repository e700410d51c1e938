// Progress lines: what they say, and how few they are.

import { expect, test } from "vitest";
import { createProgress } from "../../../sdk/reconcilers/fleet/progress";

function watched() {
    const lines: string[] = [];
    let time = 0;
    let next: { at: number; run: () => void } | undefined;
    const progress = createProgress("project/stack/pumps", {
        say: line => lines.push(line),
        now: () => time,
        after(ms, run) {
            const timer = { at: time + ms, run };
            next = timer;
            return () => {
                if (next === timer) next = undefined;
            };
        },
    });
    const advance = (seconds: number) => {
        const end = time + seconds * 1000;
        while (next && next.at <= end) {
            time = next.at;
            next.run();
        }
        time = end;
    };
    return { progress, lines, advance };
}

test("a short run says nothing", () => {
    const { progress, lines, advance } = watched();
    progress.begin(0, 2);
    advance(3);
    progress.done();
    progress.done();
    progress.end();
    advance(600);
    expect(lines).toEqual([]);
});

test("a long run says how far, how fast, how long still, how many failed; in the end what it came to", () => {
    const { progress, lines, advance } = watched();
    progress.expect(0, 1000);
    progress.expect(1, 1000);
    progress.begin(0, 1000);
    for (let i = 0; i < 490; i++) progress.done();
    for (let i = 0; i < 10; i++) progress.failed();
    advance(5);
    expect(lines).toEqual(['fleet "pumps": 500 of 2,000 devices, 100 a second, about 15 s left, 10 failed']);
    for (let i = 0; i < 500; i++) progress.done();
    progress.end();
    progress.begin(1, 1000);
    for (let i = 0; i < 1000; i++) progress.done();
    advance(5);
    progress.end();
    expect(lines.slice(1)).toEqual(['fleet "pumps": 2,000 of 2,000 devices, 200 a second, in 10 s, 10 failed']);
});

test("an hour of work is some hundred lines", () => {
    const { progress, lines, advance } = watched();
    progress.begin(0, 1e6);
    for (let i = 0; i < 3600; i++) {
        progress.done();
        advance(1);
    }
    expect(lines.length).toBeLessThan(130);
});

test("what nobody announced, as a destroy, has no total to tell", () => {
    const { progress, lines, advance } = watched();
    progress.begin(0, 100);
    for (let i = 0; i < 50; i++) progress.done();
    advance(5);
    expect(lines).toEqual(['fleet "pumps": 50 devices, 10 a second, in 5 s']);
});
