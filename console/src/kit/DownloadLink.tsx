import { Button } from "@carbon/react";
import { Download } from "@carbon/icons-react";

/** Fetches a file of the API by its address there, under a name. */
export function DownloadLink({ href, name, children }: { href: string; name: string; children: string }) {
  return (
    <Button as="a" size="sm" kind="ghost" renderIcon={Download} href={href} download={name}>
      {children}
    </Button>
  );
}
