import { Link } from "wouter";
import { Empty } from "../../kit/Empty";
import { Page } from "../../kit/Page";
import { paths } from "../../paths";

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <Empty title="Nothing is at this address" action={<Link href={paths.spaces}>All spaces</Link>}>
        It may have been deleted, or the link is incomplete.
      </Empty>
    </Page>
  );
}
