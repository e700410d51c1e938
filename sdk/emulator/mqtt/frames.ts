// Watches the lengths of incoming packets before they are put together, so that none is buffered that is too long.

/** ThingsBoard's limit of a packet without its fixed header. */
export const MAX_PACKET = 65_536;

export type FrameVerdict = "fine" | "too long" | "malformed";

export function createFrameGuard(max: number): (chunk: Buffer) => FrameVerdict {
    let left = 0; // bytes of the packet at hand that are still to come
    let lengthBytes = -1; // -1: between packets, else how many bytes of the length were read
    let length = 0;
    return (chunk) => {
        let at = 0;
        while (at < chunk.length) {
            if (left > 0) {
                const skipped = Math.min(left, chunk.length - at);
                left -= skipped;
                at += skipped;
            } else if (lengthBytes < 0) {
                [lengthBytes, length] = [0, 0];
                at++;
            } else {
                const byte = chunk[at++] ?? 0;
                length += (byte & 127) * 128 ** lengthBytes++;
                if (byte & 128) {
                    if (lengthBytes >= 4) return "malformed";
                    continue;
                }
                if (length > max) return "too long";
                [left, lengthBytes] = [length, -1];
            }
        }
        return "fine";
    };
}
