# frozen_string_literal: true

module Signalbox
  class Railtie < ::Rails::Railtie
    LEDGER = "signalbox_runs"

    # Where production was restored into development, Rails would write Signalbox's ledger into
    # schema.rb or structure.sql, and loading that over the ledger breaks a first boot. After the
    # initializers, since one of the application's own may assign the list.
    config.after_initialize do
      unless ::Rails.env.production?
        ActiveSupport.on_load(:active_record) { ActiveRecord::SchemaDumper.ignore_tables |= [LEDGER] }
      end
    end

    rake_tasks { load File.expand_path("tasks.rake", __dir__) }
  end
end
