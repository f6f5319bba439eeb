-- A run that finds no room in a budget may wait for it: the budget says whether, and a row of the reservation says that it does.
alter table muster.budgets add column when_exhausted text not null default 'end';
alter table muster.budgets
  add constraint budgets_when_exhausted_check check (when_exhausted in ('end', 'wait'));
alter table muster.budget_reservations add column looked_at timestamptz null;
alter table muster.budget_reservations drop constraint budget_reservations_state_check;
alter table muster.budget_reservations
  add constraint budget_reservations_state_check
    check (state in ('waiting', 'held', 'begun', 'settled', 'released', 'in_doubt'));
create index budget_reservations_waiting_index on muster.budget_reservations (looked_at) where state = 'waiting';
