-- Six outputs of 2 KB lie on a full page, where five did. An update still finds room: of 600 slow nodes, 96 % of the ends
-- stayed on their page, since what an earlier end there has left is room too.
alter table muster.agent_runs reset (fillfactor);
