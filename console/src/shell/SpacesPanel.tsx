import { Switcher } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { spacesQuery } from "../api/spaces";
import { paths } from "../paths";
import { Drawer } from "./Drawer";
import type { PanelProps } from "./Shell";

/** Goes from one space to another. */
export function SpacesPanel(panel: PanelProps) {
  const { data } = useQuery({ ...spacesQuery(), enabled: panel.open });
  return (
    <Drawer label="Switch space" title="Spaces" icon={<Switcher size={20} />} {...panel}>
      <ul>
        <li>
          <Link href={paths.spaces} onClick={panel.close}>
            All spaces
          </Link>
        </li>
        {data?.results.map((space) => (
          <li key={space.id}>
            <Link href={paths.space(space.id)} onClick={panel.close}>
              {space.name}
            </Link>
          </li>
        ))}
      </ul>
    </Drawer>
  );
}
