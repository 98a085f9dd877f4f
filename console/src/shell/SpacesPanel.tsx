import { HeaderGlobalAction, HeaderPanel, Switcher, SwitcherDivider, SwitcherItem } from "@carbon/react";
import { Switcher as SwitcherIcon } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { spacesQuery } from "../api/spaces";
import { paths } from "../paths";
import type { PanelProps } from "./Shell";

/** Goes from one space to another. */
export function SpacesPanel({ open, toggle, close }: PanelProps) {
  const { data } = useQuery({ ...spacesQuery(), enabled: open });
  const [, go] = useLocation();
  const to = (path: string) => () => {
    close();
    go(path);
  };
  return (
    <>
      <HeaderGlobalAction aria-label="Switch space" aria-expanded={open} isActive={open} onClick={toggle}>
        <SwitcherIcon size={20} />
      </HeaderGlobalAction>
      <HeaderPanel expanded={open} aria-label="Spaces">
        {open && (
          <Switcher aria-label="Spaces" expanded={open}>
            <SwitcherItem aria-label="All spaces" onClick={to(paths.spaces)} href="#">
              All spaces
            </SwitcherItem>
            <SwitcherDivider />
            {(data?.results ?? []).map((space) => (
              <SwitcherItem key={space.id} aria-label={space.name} onClick={to(paths.space(space.id))} href="#">
                {space.name}
              </SwitcherItem>
            ))}
          </Switcher>
        )}
      </HeaderPanel>
    </>
  );
}
