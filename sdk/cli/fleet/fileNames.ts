// Names of files for devices, whose names may be anything: slashes, "..", what Windows or a shell takes in another way.

import { createHash } from "node:crypto";

/** File systems take 255 bytes, and an ending comes behind. */
const longest = 200;

/** What `encodeURIComponent` leaves alone and a shell, or Windows, does not. */
const special = /[!'()*~]/g;
/** Hidden files, "..", options of a command. */
const first = /^[.-]/;
/** Windows keeps these to itself, whatever their ending is. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** One name for each device: also for two that differ in case alone, which some file systems take for one. */
export function fileNames(): (deviceName: string) => string {
    const taken = new Map<string, string>();
    return name => {
        const plain = fileName(name);
        const file = [plain, withHash(plain, name)].find(candidate => (taken.get(candidate.toLowerCase()) ?? name) === name)!;
        taken.set(file.toLowerCase(), name);
        return file;
    };
}

function fileName(name: string): string {
    const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(special, percent).replace(first, percent).replace(reserved, word => percent(word) + word.slice(1));
    return encoded.length <= longest && encoded !== "" ? encoded : withHash(encoded, name);
}

const withHash = (encoded: string, name: string): string => `${encoded.slice(0, longest - 17)}-${createHash("sha256").update(JSON.stringify(name)).digest("hex").slice(0, 16)}`;

/** Of the first character. */
const percent = (text: string): string => `%${text.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
