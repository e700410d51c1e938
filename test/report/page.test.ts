// The page in a real browser.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../sdk/report/model";
import { browsers } from "../../tools/chromium.mjs";
import { onPath } from "../../tools/engine/commands.mjs";
import { certificate, credential, largeReport, reportOf, rows } from "./support";

// The built one: the script beside it is made by the build.
const { toHtml } = (await import("../../bin/report/html.js")) as { toHtml(report: Report): string };

const folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-test-"));
let browser: Browser;

beforeAll(async () => {
    const executablePath = browsers.flatMap(name => onPath(name))[0];
    browser = await chromium.launch({
        ...(executablePath === undefined ? {} : { executablePath }),
        chromiumSandbox: false,
        args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
}, 60_000);
afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
});

/** @returns the page, and what went wrong on it or was asked for by it */
async function open(report: Report, options: Parameters<Browser["newContext"]>[0] = {}): Promise<{ page: Page; complaints: string[]; asked: string[] }> {
    const file = path.join(folder, `${Math.random().toString(36).slice(2)}.html`);
    writeFileSync(file, toHtml(report));
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const [complaints, asked]: [string[], string[]] = [[], []];
    page.on("pageerror", error => complaints.push(error.message));
    page.on("console", message => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("request", request => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return { page, complaints, asked };
}

const shown = (page: Page) => page.locator("tbody tr").count();
const first = (page: Page) => page.locator("tbody tr").first().locator("td").first().innerText();

test("ten thousand devices: found by a word, filtered by a tile, sorted by the keyboard, with few rows on the page at a time", async () => {
    const { page, complaints, asked } = await open(await largeReport(10_000));
    await expect.poll(() => page.locator("#count").innerText()).toBe("10,000 of 10,000");
    expect(await shown(page)).toBeLessThanOrEqual(400);

    await page.keyboard.press("/");
    await page.keyboard.type("pump-4711");
    expect(await page.locator("#count").innerText()).toBe("1 of 10,000");
    expect(await first(page)).toBe("pump-4711");
    await page.keyboard.press("Escape");
    expect(await page.locator("#count").innerText()).toBe("10,000 of 10,000");

    await page.getByRole("button", { name: "never seen" }).click();
    expect(await page.locator("#count").innerText()).toBe("250 of 10,000, never seen");
    await page.getByRole("button", { name: "refused" }).click();
    expect(await page.locator("#count").innerText()).toBe("100 of 10,000, refused");
    await page.getByRole("button", { name: "devices" }).click();

    const device = page.getByRole("columnheader", { name: "Device" });
    await device.getByRole("button").focus();
    await page.keyboard.press("Enter");
    expect(await device.getAttribute("aria-sort")).toBe("ascending");
    expect(await first(page)).toBe("pump-0");
    await page.keyboard.press("Space");
    expect(await device.getAttribute("aria-sort")).toBe("descending");
    expect(await first(page)).toBe("pump-9999");

    const before = await shown(page);
    await page.mouse.wheel(0, 100_000);
    await expect.poll(() => shown(page)).toBeGreaterThan(before);
    expect(complaints).toEqual([]);
    expect(asked.filter(url => !url.startsWith("file:"))).toEqual([]);
    await page.context().close();
});

test("a refusal is in the table; a device opens by the keyboard and shows the rest; headings stay; a search that finds nothing says so", async () => {
    const { page } = await open(await largeReport(1_000));
    await page.getByRole("button", { name: "refused" }).click();
    expect(await page.locator("tbody tr").first().locator("td.remark").innerText()).toBe("told by the test");
    const name = page.locator("tbody button").first();
    await name.focus();
    await page.keyboard.press("Enter");
    expect(await name.getAttribute("aria-expanded")).toBe("true");
    expect(await page.locator("tr.details").innerText()).toMatch(/credentialsId\s+[0-9a-f]{64}/);
    await page.keyboard.press("Enter");
    expect(await page.locator("tr.details").count()).toBe(0);

    await page.getByRole("button", { name: "devices" }).click();
    await page.mouse.wheel(0, 3_000);
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(2_000);
    expect(await page.locator("th").first().boundingBox().then(box => box!.y)).toBeLessThan(100);
    await page.keyboard.press("/");
    await page.keyboard.type("no-such-device");
    expect(await page.locator("#nothing").innerText()).toBe("No device has all of these words.");
    await page.context().close();
});

test("labels of long names are shortened, and stay inside of their plot", async () => {
    const [pem, made] = [await certificate("pump"), rows([credential("pump", await certificate("pump"))])[0]!];
    const long = ["2025", "2026"].map(year => ({ ...made, device: `pump-${year}`, issuer: `CN=A very long name of an authority for the devices of a factory, ${year}` }));
    for (const width of [420, 1280]) {
        const { page } = await open(reportOf([...rows([credential("pump", pem)]), ...long]), { viewport: { width, height: 900 } });
        const plot = await page.locator("#issuers svg").boundingBox();
        const labels = page.locator("#issuers svg text", { hasText: "…" });
        expect(await labels.allTextContents()).toEqual([expect.stringMatching(/^CN=.*2025$/), expect.stringMatching(/^CN=.*2026$/)]);
        for (const label of await labels.all()) expect((await label.boundingBox())!.x).toBeGreaterThanOrEqual(plot!.x);
        await page.context().close();
    }
});

test("plots are there, say what they show, and follow light and dark", async () => {
    const report = await largeReport(500);
    const colours = new Set<string>();
    for (const colorScheme of ["light", "dark"] as const) {
        const { page, complaints } = await open(report, { colorScheme });
        for (const id of ["months", "latencies", "algorithms", "issuers"]) {
            const plot = page.locator(`#${id} svg`);
            expect(await plot.getAttribute("aria-label")).toMatch(/certificates|checks/);
            expect(await plot.locator("rect, path").count()).toBeGreaterThan(0);
        }
        expect(await page.locator("#months svg rect").count()).toBeGreaterThanOrEqual(12);
        const [ink, paper] = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]);
        colours.add(`${ink} ${paper}`);
        expect(await page.locator("#algorithms svg text").first().evaluate(node => getComputedStyle(node).fill)).toBe(ink);
        const palette = await page.evaluate(() => Object.fromEntries(["ink", "faint", "good", "warn", "bad", "accent", "amber", "paper", "raised"].map(name => [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()])));
        for (const text of ["ink", "faint", "good", "warn", "bad"]) expect.soft(contrast(palette[text]!, palette["paper"]!), `${text} in ${colorScheme}`).toBeGreaterThanOrEqual(4.5);
        for (const text of ["ink", "faint"]) expect.soft(contrast(palette[text]!, palette["raised"]!), `${text} on raised in ${colorScheme}`).toBeGreaterThanOrEqual(4.5);
        for (const mark of ["accent", "amber", "good", "bad"]) expect.soft(contrast(palette[mark]!, palette["paper"]!), `${mark} in ${colorScheme}`).toBeGreaterThanOrEqual(3);
        expect(complaints).toEqual([]);
        await page.context().close();
    }
    expect(colours.size).toBe(2);
});

/** By WCAG 2: 4.5 for text, 3 for what is drawn (AA). */
function contrast(one: string, other: string): number {
    const luminance = (colour: string) => {
        const [red, green, blue] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255).map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
    return (light + 0.05) / (dark + 0.05);
}

test("what names hold is text and never markup", async () => {
    const pem = await certificate("<b>pump</b>");
    const hostile = '</script><img src="http://127.0.0.1:9/x" onerror="document.title=\'taken\'">';
    const { page, complaints, asked } = await open(reportOf(rows([credential(hostile, pem)])));
    expect(await first(page)).toBe(hostile);
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe("Certificates of prod");
    expect(complaints).toEqual([]);
    expect(asked.filter(url => !url.startsWith("file:"))).toEqual([]);
    await page.context().close();
});

test("printed, it is dark on white, and has more than the rows on the screen", async () => {
    const { page } = await open(await largeReport(1_000), { colorScheme: "dark" });
    const before = await shown(page);
    await page.emulateMedia({ media: "print" });
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe("rgb(0, 0, 0)");
    expect(await page.locator("#search").isVisible()).toBe(false);
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    expect(await shown(page)).toBe(1_000);
    expect(before).toBeLessThan(1_000);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe("%PDF-");
    await page.context().close();
});

test("a state without devices makes a page that says so; a narrow window does not cut the table off", async () => {
    const empty = await open(reportOf([]));
    expect(await empty.page.locator("#none").isVisible()).toBe(true);
    expect(await empty.page.locator("figure:visible").count()).toBe(0);
    expect(empty.complaints).toEqual([]);
    const narrow = await open(await largeReport(50), { viewport: { width: 420, height: 800 } });
    const wider = await narrow.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
});
