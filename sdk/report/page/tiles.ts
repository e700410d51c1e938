// The counts at the top; each of them shows its devices alone.

import { kinds } from "../kinds";
import type { Report } from "../model";
import type { Filter } from "./table";

interface Tile {
    readonly name: string;
    readonly count: number;
    readonly kind: "" | "good" | "warn" | "bad";
    readonly wanted?: Filter;
}

export function showTiles({ summary, rows }: Report, show: (wanted: Filter | undefined, name: string) => void): void {
    const { standing, checks } = summary;
    const tiles: Tile[] = [
        { name: "devices", count: summary.devices, kind: "" },
        { name: "valid", count: standing.valid, kind: "good", wanted: row => row.standing === "valid" },
        { name: "due", count: standing.due, kind: "warn", wanted: kinds.due },
        { name: "expired", count: standing.expired, kind: "bad", wanted: kinds.expired },
        ...(standing.unknown === 0 ? [] : [{ name: "unknown", count: standing.unknown, kind: "warn" as const, wanted: kinds.unknown }]),
        { name: "drift", count: summary.drifted, kind: "warn", wanted: kinds.drift },
        ...(summary.failed === 0 ? [] : [{ name: "unfinished", count: summary.failed, kind: "bad" as const, wanted: kinds.unfinished }]),
        ...(checks.accepted + checks.refused === 0 ? [] : [{ name: "refused", count: checks.refused, kind: "bad" as const, wanted: kinds.refused }]),
        ...(summary.neverSeen === undefined ? [] : [{ name: "never seen", count: summary.neverSeen, kind: "warn" as const, wanted: kinds["never-seen"] }]),
    ];
    const row = document.querySelector("#tiles")!;
    const buttons = tiles.map(({ name, count, kind, wanted }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = `tile ${count === 0 ? "" : kind}`;
        const [number, label] = [document.createElement("strong"), document.createElement("span")];
        [number.textContent, label.textContent] = [count.toLocaleString(), name];
        button.append(number, " ", label);
        button.setAttribute("aria-pressed", String(wanted === undefined));
        button.addEventListener("click", () => {
            for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
            show(wanted, wanted === undefined ? "" : name);
        });
        return button;
    });
    row.append(...buttons);
    document.body.classList.toggle("empty", rows.length === 0);
}
