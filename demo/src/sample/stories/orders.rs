//! Conversations about orders, deliveries and money.

use super::{Story, ToolUse, Turn};

pub(super) static STORIES: [Story; 6] = [
    Story {
        topic: "delivery",
        turns: &[
            Turn {
                question: "Hi! Where is my order KC-48213? It was meant to come yesterday.",
                thought: "The customer names an order. The delivery page only has general times, so I should look the \
                          order up before I say anything about it.",
                articles: &[1, 8],
                tool: Some(ToolUse {
                    name: "look_up_order",
                    arguments: r#"{"order_number":"KC-48213"}"#,
                    result: r#"{"order_number":"KC-48213","status":"in_transit","carrier":"Pelican Parcel","items":[{"sku":"HELM-URB-M","name":"Urban helmet, M","quantity":1},{"sku":"LOCK-U180","name":"U-lock 180","quantity":1}],"promised":"2026-05-18","expected":"2026-05-20","note":"sorting delay in Hub North"}"#,
                }),
                answer: "Your helmet and the U-lock are on their way, but the parcel was held up for a day at the \
                         carrier's northern hub. Pelican Parcel now expects to deliver it on 20 May 2026. I am sorry \
                         about the delay! Would you like a message when it is out for delivery?",
            },
            Turn {
                question: "Yes please. And can it go to my neighbour if I'm out?",
                thought: "Two wishes: a notification and a deposit permission. There is a tool for delivery preferences.",
                articles: &[8, 1],
                tool: Some(ToolUse {
                    name: "set_delivery_preferences",
                    arguments: r#"{"order_number":"KC-48213","notify":"sms","leave_with":"neighbour"}"#,
                    result: r#"{"ok":true,"notify":"sms","leave_with":"neighbour"}"#,
                }),
                answer: "Done: you will get a text message in the morning of the delivery, and the driver may leave \
                         the parcel with a neighbour. Enjoy the ride!",
            },
        ],
    },
    Story {
        topic: "returns",
        turns: &[
            Turn {
                question: "The gloves from order KC-47790 are too small. How do I send them back?",
                thought: "Returns are free within 30 days if unused. I need the delivery date to know whether that \
                          still holds.",
                articles: &[0],
                tool: Some(ToolUse {
                    name: "look_up_order",
                    arguments: r#"{"order_number":"KC-47790"}"#,
                    result: r#"{"order_number":"KC-47790","status":"delivered","delivered":"2026-05-09","items":[{"sku":"GLV-WIN-S","name":"Winter gloves, S","quantity":1,"price_eur":"34.90"}]}"#,
                }),
                answer: "They arrived on 9 May 2026, so you have until 8 June to return them, as long as they are \
                         unused. I can send you the free label, or exchange them for size M right away, which is in \
                         stock. Which do you prefer?",
            },
            Turn {
                question: "Exchange for M please",
                thought: "Create the exchange for the one item of that order.",
                articles: &[0],
                tool: Some(ToolUse {
                    name: "create_exchange",
                    arguments: r#"{"order_number":"KC-47790","sku":"GLV-WIN-S","replacement":"GLV-WIN-M"}"#,
                    result: r#"{"exchange":"EX-3391","ships":"today","label_sent_to":"customer"}"#,
                }),
                answer: "Exchange EX-3391 is on its way: size M leaves today, and the label for the S pair is in your \
                         inbox. Please hand that parcel in within 14 days.",
            },
            Turn {
                question: "Great. Do I have to pay for shipping again?",
                thought: "",
                articles: &[0, 1],
                tool: None,
                answer: "No, both ways are free for an exchange.",
            },
        ],
    },
    Story {
        topic: "refunds",
        turns: &[Turn {
            question: "I returned a pannier set two weeks ago (KC-46120) and still have no refund. This is the third time I ask.",
            thought: "The customer is annoyed, with reason. Check when the return arrived: refunds take five working \
                      days from then. The amount is below 200 euros, so I may release it.",
            articles: &[0],
            tool: Some(ToolUse {
                name: "look_up_refund",
                arguments: r#"{"order_number":"KC-46120"}"#,
                result: r#"{"order_number":"KC-46120","return_received":"2026-05-06","refund":{"status":"blocked","reason":"card expired","amount_eur":"118.00"}}"#,
            }),
            answer: "I am sorry that you had to ask three times. Your return reached us on 6 May 2026, but the refund \
                     of 118.00 euros bounced because the card has expired, and nobody told you: that is our mistake. \
                     Reply with \"account\" and I will send you a secure form for a bank transfer; the money then \
                     takes one working day.",
        }],
    },
    Story {
        topic: "change-order",
        turns: &[Turn {
            question: "I just ordered the Harrier trekking bike but chose the wrong address. Can you change it? Order KC-48377",
            thought: "Orders can be changed until they are packed, about two hours. Look at the state first.",
            articles: &[8],
            tool: Some(ToolUse {
                name: "look_up_order",
                arguments: r#"{"order_number":"KC-48377"}"#,
                result: r#"{"order_number":"KC-48377","status":"received","placed_minutes_ago":11,"items":[{"sku":"BK-HAR-54","name":"Harrier trekking bicycle, 54 cm","quantity":1}]}"#,
            }),
            answer: "You caught it in time: the order is eleven minutes old and not being assembled yet. Please send me \
                     street, house number, postcode and town, and I will change it before the workshop starts.",
        }],
    },
    Story {
        topic: "gift-cards",
        turns: &[
            Turn {
                question: "How much is left on my gift card ending in 7741?",
                thought: "There is a balance tool; the last four digits and the signed-in customer are enough.",
                articles: &[6],
                tool: Some(ToolUse {
                    name: "gift_card_balance",
                    arguments: r#"{"last_digits":"7741"}"#,
                    result: r#"{"balance_eur":"42.50","good_until":"2028-11-30"}"#,
                }),
                answer: "There are 42.50 euros left on it, good until 30 November 2028.",
            },
            Turn {
                question: "can i use it in the shop in Ghent",
                thought: "",
                articles: &[6, 5],
                tool: None,
                answer: "Yes, gift cards work in every shop and online, and you can spend them in parts.",
            },
        ],
    },
    Story {
        topic: "billing",
        turns: &[Turn {
            question: "Why was I charged 129 euros on Monday?",
            thought: "129 euros is the price of the Plus service plan, which renews every year. Verify with the \
                      customer's payments.",
            articles: &[7],
            tool: Some(ToolUse {
                name: "list_payments",
                arguments: r#"{"days":14}"#,
                result: r#"[{"date":"2026-05-18","amount_eur":"129.00","for":"Service plan Plus, renewal","invoice":"INV-90233"}]"#,
            }),
            answer: "That was the yearly renewal of your Plus service plan (invoice INV-90233). It holds two \
                     inspections, labour on wearing parts and a loan bicycle. If you no longer want it, I can cancel \
                     it within 14 days of the renewal and refund the full amount. Shall I?",
        }],
    },
];
