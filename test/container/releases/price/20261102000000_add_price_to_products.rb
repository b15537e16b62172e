# Takes as long as filling the new column of a large table would: replicas that
# start together all find this migration pending.
class AddPriceToProducts < ActiveRecord::Migration[8.1]
  def up
    add_column :products, :price, :integer
    execute "SELECT pg_sleep(3)"
  end

  def down
    remove_column :products, :price
  end
end
