// Lists that come page by page.

import type { Call, Calls } from "./calls";
import { ApiError } from "./errors";
import type { PageData } from "./model";
import { query } from "./path";

const pageSize = 100;
/** A list of ten thousand rule chains or profiles is none: somebody says for ever that there is a next page. */
const mostPages = 100;

export type List = Pick<Call, "path" | "subject" | "complaint"> & { readonly parameters: Readonly<Record<string, string>> };

/** @throws ApiError notThingsBoard for a list that does not end */
export async function* pagesOf<Item>(calls: Pick<Calls, "make">, { path, subject, complaint, parameters }: List): AsyncGenerator<readonly Item[]> {
    for (let page = 0; page < mostPages; page++) {
        const address = `${path}${query({ pageSize, page, ...parameters })}`;
        const found = await calls.make<PageData<Item>>({ method: "GET", path: address, subject, complaint, repeating: "safe", answer: "page" });
        yield found.data;
        if (!found.hasNext) return;
    }
    throw new ApiError(`${subject}: ${complaint}: the list at ${path} goes on without end: is this the address of ThingsBoard?`, { kind: "notThingsBoard", mayHaveHappened: false });
}
