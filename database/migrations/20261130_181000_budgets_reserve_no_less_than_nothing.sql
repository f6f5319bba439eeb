-- A negative sum would be room that is not there.
alter table muster.budgets
  add constraint budgets_tokens_reserved_check check (tokens_reserved >= 0),
  add constraint budgets_money_reserved_check check (money_reserved >= 0),
  add constraint budgets_steps_reserved_check check (steps_reserved >= 0);
