class CreateTrains < ActiveRecord::Migration[8.1]
  def change
    create_table :trains
  end
end
