# frozen_string_literal: true

require 'json'
require 'net/http'

key = ENV.fetch('KALEYRA_API_KEY', '')
abort 'KALEYRA_API_KEY is not set' if key.empty?

uri = URI('https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages')
payload = {
  messaging_object: {
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    to: '+91XXXXXXXXX',
    type: 'template',
    template: {
      name: 'auth1',
      language: {
        code: 'en_US'
      },
      components: [
        {
          type: 'body',
          parameters: [
            {
              type: 'text',
              text: 'J$FpXXXX'
            }
          ]
        },
        {
          type: 'button',
          sub_type: 'url',
          index: 0,
          parameters: [
            {
              type: 'text',
              text: 'J$FpXXXX'
            }
          ]
        }
      ]
    }
  },
  extra_info: {
    ref: 'customer1',
    ref1: 'marketing',
    ref2: 'dictionary',
    wa_source: 'api'
  }
}

request = Net::HTTP::Post.new(uri)
request['Content-Type'] = 'application/json'
request['api-key'] = key
request.body = JSON.generate(payload)

options = { use_ssl: true, open_timeout: 10, read_timeout: 30, max_retries: 0 }
response = Net::HTTP.start(uri.host, uri.port, options) { |http| http.request(request) }
abort "refused: #{response.code} #{response.body}" unless response.is_a?(Net::HTTPAccepted)

puts response.body
