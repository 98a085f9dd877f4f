import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { spaceQuery } from "../api/spaces";
import { paths } from "../paths";
import type { Crumb } from "./Crumbs";

/** The crumbs of a page below a space, of which `to` is the list that it belongs to. */
export function useSpaceCrumbs(space: string, to: string): Crumb[] {
  const { data } = useQuery(spaceQuery(space));
  return [
    { text: "Deployment spaces", to: paths.spaces },
    { text: data?.entity.name ?? "Space", to },
  ];
}

/** Goes to a page after a change, with the list read anew that the change is about. */
export function useLeave(...changed: string[]): (to: string) => Promise<void> {
  const [, go] = useLocation();
  const client = useQueryClient();
  return async (to) => {
    await client.invalidateQueries({ queryKey: changed });
    go(to);
  };
}
