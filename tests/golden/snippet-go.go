package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := send(); err != nil {
		log.Fatal(err)
	}
}

func send() error {
	key := os.Getenv("KALEYRA_API_KEY")
	if key == "" {
		return errors.New("KALEYRA_API_KEY is not set")
	}
	payload := map[string]any{
		"messaging_object": map[string]any{
			"messaging_product": "whatsapp",
			"recipient_type":    "individual",
			"to":                "+91XXXXXXXXX",
			"type":              "template",
			"template": map[string]any{
				"name": "auth1",
				"language": map[string]any{
					"code": "en_US",
				},
				"components": []any{
					map[string]any{
						"type": "body",
						"parameters": []any{
							map[string]any{
								"type": "text",
								"text": "J$FpXXXX",
							},
						},
					},
					map[string]any{
						"type":     "button",
						"sub_type": "url",
						"index":    0,
						"parameters": []any{
							map[string]any{
								"type": "text",
								"text": "J$FpXXXX",
							},
						},
					},
				},
			},
		},
		"extra_info": map[string]any{
			"ref":       "customer1",
			"ref1":      "marketing",
			"ref2":      "dictionary",
			"wa_source": "api",
		},
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}

	url := "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages"
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("api-key", key)

	client := &http.Client{
		Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("refused: %s %s", resp.Status, answer)
	}
	fmt.Println(string(answer))
	return nil
}
