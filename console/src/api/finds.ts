import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import type { components } from "./schema";

export type Found = components["schemas"]["FoundLine"];

export const LEAST_LETTERS = 2;

export const findsQuery = (text: string) =>
  queryOptions({
    queryKey: ["finds", text],
    queryFn: ({ signal }) => get<{ results: Found[] }>("/v2/finds", { text }, signal),
    enabled: text.length >= LEAST_LETTERS,
    placeholderData: keepPreviousData,
  });
