$key = $env:KALEYRA_API_KEY
if (-not $key) { throw 'KALEYRA_API_KEY is not set' }
$payload = [ordered]@{
    messaging_object = [ordered]@{
        messaging_product = 'whatsapp'
        recipient_type = 'individual'
        to = '+91XXXXXXXXX'
        type = 'template'
        template = [ordered]@{
            name = 'auth1'
            language = [ordered]@{
                code = 'en_US'
            }
            components = @(
                [ordered]@{
                    type = 'body'
                    parameters = @(
                        [ordered]@{
                            type = 'text'
                            text = 'J$FpXXXX'
                        }
                    )
                },
                [ordered]@{
                    type = 'button'
                    sub_type = 'url'
                    index = 0
                    parameters = @(
                        [ordered]@{
                            type = 'text'
                            text = 'J$FpXXXX'
                        }
                    )
                }
            )
        }
    }
    extra_info = [ordered]@{
        ref = 'customer1'
        ref1 = 'marketing'
        ref2 = 'dictionary'
        wa_source = 'api'
    }
}
$request = @{
    Method = 'Post'
    Uri = 'https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages'
    Headers = @{ 'api-key' = $key }
    ContentType = 'application/json'
    Body = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $payload -Depth 100))
    MaximumRedirection = 0
    TimeoutSec = 30
    ErrorAction = 'Stop'
}
try {
    Invoke-RestMethod @request | ConvertTo-Json -Depth 100
} catch {
    throw "$($_.Exception.Message) $($_.ErrorDetails)"
}
