import { Button } from "@carbon/react";
import { Asleep, Light, Logout, UserAvatar } from "@carbon/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SessionUser, sessionQuery, signOut } from "../api/session";
import { Link } from "wouter";
import { paths } from "../paths";
import { Drawer } from "./Drawer";
import type { PanelProps } from "./Shell";
import { useTheme } from "./theme";

/** Who is signed in, the theme, and signing out. */
export function UserPanel({ user, ...panel }: PanelProps & { user: SessionUser }) {
  const { theme, toggle } = useTheme();
  const client = useQueryClient();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      await client.refetchQueries(sessionQuery);
      // Whatever else was read belongs to whoever was signed in.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
    },
  });
  const light = theme === "white";
  return (
    <Drawer label={`User ${user.name}`} title={user.display_name} icon={<UserAvatar size={20} />} last {...panel}>
      <p className="muted">{user.administrator ? `${user.name}, administrator` : user.name}</p>
      <ul>
        <li>
          <Link href={paths.profile} onClick={panel.close}>
            Profile
          </Link>
        </li>
        {user.administrator && (
          <li>
            <Link href={paths.administration("users")} onClick={panel.close}>
              Administration
            </Link>
          </li>
        )}
      </ul>
      <Button kind="ghost" renderIcon={light ? Asleep : Light} onClick={toggle}>
        {light ? "Dark theme" : "Light theme"}
      </Button>
      <Button kind="ghost" renderIcon={Logout} disabled={leave.isPending} onClick={() => leave.mutate()}>
        Sign out
      </Button>
    </Drawer>
  );
}
