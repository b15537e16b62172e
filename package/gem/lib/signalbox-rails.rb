# frozen_string_literal: true

# All that an application loads. The program is put into the image when that is built, by
# exe/signalbox-install; no Ruby stands between a container and its server.
require_relative "signalbox/railtie" if defined?(Rails::Railtie)
