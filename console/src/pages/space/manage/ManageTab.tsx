import { useQuery } from "@tanstack/react-query";
import { spaceQuery } from "../../../api/spaces";
import type { TabProps } from "../tabs";
import { Channels } from "./Channels";
import { Ending } from "./Ending";
import { Limits } from "./Limits";
import { Members } from "./Members";
import { Retention } from "./Retention";

/** Who belongs here, where it tells of its runs, what it keeps, how much at once, and its end. */
export default function ManageTab({ space }: TabProps) {
  const { data } = useQuery(spaceQuery(space));
  return (
    <>
      <Members space={space} />
      <Channels space={space} />
      {data && <Retention key={JSON.stringify(data.entity.retention)} space={space} held={data.entity.retention} />}
      <Limits space={space} />
      {data && <Ending space={space} name={data.entity.name} paused={data.entity.paused} />}
    </>
  );
}
