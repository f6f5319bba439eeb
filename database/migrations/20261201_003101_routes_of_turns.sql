-- Which route answered a turn: later turns are told, so that a follow-up may stay with it.

alter table muster.conversation_turns add column route text;
