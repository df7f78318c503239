<?php

$key = getenv('KALEYRA_API_KEY');
if (!$key) {
    throw new RuntimeException('KALEYRA_API_KEY is not set');
}
$payload = [
    'messaging_object' => [
        'messaging_product' => 'whatsapp',
        'recipient_type' => 'individual',
        'to' => '+91XXXXXXXXX',
        'type' => 'template',
        'template' => [
            'name' => 'auth1',
            'language' => [
                'code' => 'en_US',
            ],
            'components' => [
                [
                    'type' => 'body',
                    'parameters' => [
                        [
                            'type' => 'text',
                            'text' => 'J$FpXXXX',
                        ],
                    ],
                ],
                [
                    'type' => 'button',
                    'sub_type' => 'url',
                    'index' => 0,
                    'parameters' => [
                        [
                            'type' => 'text',
                            'text' => 'J$FpXXXX',
                        ],
                    ],
                ],
            ],
        ],
    ],
    'extra_info' => [
        'ref' => 'customer1',
        'ref1' => 'marketing',
        'ref2' => 'dictionary',
        'wa_source' => 'api',
    ],
];

$curl = curl_init('https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages');
curl_setopt_array($curl, [
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => [
        'Content-Type: application/json',
        'api-key: ' . $key,
    ],
    CURLOPT_POSTFIELDS => json_encode($payload, JSON_THROW_ON_ERROR),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 30,
]);
$answer = curl_exec($curl);
if ($answer === false) {
    throw new RuntimeException(curl_error($curl));
}
$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
if ($status !== 202) {
    throw new RuntimeException("refused: $status $answer");
}
echo $answer, PHP_EOL;
