# Long enough to be stopped half way, for certain.
class TakeAMinute < ActiveRecord::Migration[8.1]
  def up
    execute "SELECT pg_sleep(60)"
  end
end
