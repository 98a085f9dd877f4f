import { Button, HeaderGlobalAction, HeaderPanel } from "@carbon/react";
import { Asleep, Light, Logout, UserAvatar } from "@carbon/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SessionUser, signOut } from "../api/session";
import type { PanelProps } from "./Shell";
import { useTheme } from "./theme";

/** Who is signed in, the theme, and signing out. */
export function UserPanel({ user, open, toggle }: PanelProps & { user: SessionUser }) {
  const { theme, toggle: toggleTheme } = useTheme();
  const client = useQueryClient();
  // Whatever was read belongs to whoever was signed in.
  const leave = useMutation({ mutationFn: signOut, onSuccess: () => client.resetQueries() });
  const light = theme === "white";
  return (
    <>
      <HeaderGlobalAction
        aria-label={`User ${user.name}`}
        aria-expanded={open}
        isActive={open}
        onClick={toggle}
        tooltipAlignment="end"
      >
        <UserAvatar size={20} />
      </HeaderGlobalAction>
      <HeaderPanel expanded={open} aria-label="User">
        {open && (
          <div className="panel">
            <h2>{user.display_name}</h2>
            <p className="muted">{user.administrator ? `${user.name}, administrator` : user.name}</p>
            <Button kind="ghost" renderIcon={light ? Asleep : Light} onClick={toggleTheme}>
              {light ? "Dark theme" : "Light theme"}
            </Button>
            <Button kind="ghost" renderIcon={Logout} disabled={leave.isPending} onClick={() => leave.mutate()}>
              Sign out
            </Button>
          </div>
        )}
      </HeaderPanel>
    </>
  );
}
