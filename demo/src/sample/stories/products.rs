//! Conversations about bicycles, parts and how to look after them.

use super::{Story, ToolUse, Turn};

pub(super) static STORIES: [Story; 7] = [
    Story {
        topic: "e-bike",
        turns: &[
            Turn {
                question: "My e-bike battery only lasts 40 km now, it was 60 when new. Is it broken?",
                thought: "40 of 60 km is 67 percent. Normal is 80 percent after two years. Cold weather also costs \
                          range. I need age and temperature before judging.",
                articles: &[3, 4],
                tool: None,
                answer: "Not necessarily. About 80 percent after two years is normal, and cold costs up to a third of \
                         the range on top. How old is the battery, and are you riding below 10 degrees at the moment?",
            },
            Turn {
                question: "Bought it 14 months ago, and no, it's mild here. It's a Merlin E3, serial ME3-20991",
                thought: "14 months is within the two years for batteries, and the capacity is well below 80 percent. \
                          Check the serial number's warranty and offer a capacity test.",
                articles: &[4, 3],
                tool: Some(ToolUse {
                    name: "check_warranty",
                    arguments: r#"{"serial":"ME3-20991"}"#,
                    result: r#"{"model":"Merlin E3","sold":"2025-03-21","battery_warranty_until":"2027-03-21","recalls":[]}"#,
                }),
                answer: "Then it deserves a look: the battery is under warranty until 21 March 2027. Any of our shops \
                         measures its capacity free of charge in about 40 minutes, and below 70 percent we replace it. \
                         Which town suits you?",
            },
            Turn {
                question: "Utrecht, any day after 5pm",
                thought: "Book a slot in the Utrecht shop in the evening.",
                articles: &[5],
                tool: Some(ToolUse {
                    name: "book_workshop",
                    arguments: r#"{"shop":"Utrecht","service":"battery capacity test","after":"17:00"}"#,
                    result: r#"{"booking":"WS-7718","shop":"Utrecht, Voorstraat 12","at":"2026-05-21T17:20:00+02:00"}"#,
                }),
                answer: "Booked: Thursday 21 May 2026 at 17:20, Voorstraat 12 in Utrecht, number WS-7718. Please bring \
                         the battery charged, with its key.",
            },
        ],
    },
    Story {
        topic: "sizing",
        turns: &[
            Turn {
                question: "I'm 178 cm tall with an inseam of 84 cm. Which frame for the Harrier?",
                thought: "Trekking: 84 times 0.66 is 55.4 cm. The Harrier comes in 50, 54 and 58. 54 is the nearest; \
                          check stock.",
                articles: &[2],
                tool: Some(ToolUse {
                    name: "check_stock",
                    arguments: r#"{"model":"Harrier"}"#,
                    result: r#"{"50":4,"54":2,"58":0,"next_delivery":{"58":"2026-06-03"}}"#,
                }),
                answer: "84 cm times 0.66 makes about 55 cm, so the 54 fits you well; two are in stock. The 58 would \
                         only be worth it for very long tours, and returns on 3 June 2026.",
            },
            Turn {
                question: "And if I put a child seat on it?",
                thought: "",
                articles: &[2],
                tool: None,
                answer: "That works: the Harrier's rack carries 27 kg, enough for a seat and a child of up to 22 kg. \
                         With a seat the smaller frame is even the better choice, because you get a foot down sooner.",
            },
        ],
    },
    Story {
        topic: "maintenance",
        turns: &[Turn {
            question: "Tubeless: how much sealant do I need for 700x40 gravel tyres, and how often?",
            thought: "The page says 60 to 120 ml a wheel. 40 mm lies in the middle: about 80 ml.",
            articles: &[9],
            tool: None,
            answer: "About 80 ml a wheel for 40 mm tyres, topped up every four months. Ride for ten minutes after \
                     filling so that it spreads, and check the pressure the next morning.",
        }],
    },
    Story {
        topic: "warranty",
        turns: &[Turn {
            question: "Found a hairline crack near the bottom bracket of my Osprey, 3 years old. Photos attached. Is that covered?",
            thought: "Frames have ten years. A crack near the bottom bracket is a safety matter: the customer must not \
                      ride. Open a case and say so first.",
            articles: &[4],
            tool: Some(ToolUse {
                name: "open_warranty_case",
                arguments: r#"{"model":"Osprey","component":"frame","description":"hairline crack near bottom bracket","priority":"safety"}"#,
                result: r#"{"case":"WA-2204","answer_within_hours":24}"#,
            }),
            answer: "Please do not ride it any more: a crack there can open suddenly. Frames are covered for ten \
                     years, so I opened case WA-2204 with priority. A technician looks at your photographs within 24 \
                     hours; until then, the invoice is all that we need from you.",
        }],
    },
    Story {
        topic: "stock",
        turns: &[Turn {
            question: "Avez-vous le casque urbain en taille L, en bleu ?",
            thought: "French. Check the stock of the urban helmet, size L, blue, and answer in French.",
            articles: &[1],
            tool: Some(ToolUse {
                name: "check_stock",
                arguments: r#"{"sku":"HELM-URB-L","colour":"blue"}"#,
                result: r#"{"available":6,"price_eur":"59.90","shops":["Lille","Ghent"]}"#,
            }),
            answer: "Oui, il nous en reste six à 59,90 euros, livrables en un à trois jours ouvrés. Il est aussi en \
                     magasin à Lille et à Gand. Souhaitez-vous que je vous en réserve un ?",
        }],
    },
    Story {
        topic: "service-plan",
        turns: &[
            Turn {
                question: "Is the Plus plan worth it if I ride 3,000 km a year?",
                thought: "At 3,000 km a year a chain and pads wear out about once. Two inspections plus labour versus \
                          one inspection. Compare honestly.",
                articles: &[7],
                tool: None,
                answer: "At 3,000 km, probably yes: you will need a chain and brake pads about once a year, and their \
                         labour alone is 55 euros in our workshop. With the second inspection, Plus saves you around \
                         45 euros a year over Basic, and you get a loan bicycle.",
            },
            Turn {
                question: "ok sign me up",
                thought: "A contract: ask for confirmation? The customer has confirmed. The tool makes an offer that \
                          the customer signs.",
                articles: &[7],
                tool: Some(ToolUse {
                    name: "create_offer",
                    arguments: r#"{"plan":"plus","interval":"year"}"#,
                    result: r#"{"offer":"OF-5120","price_eur":"129.00","sent":true}"#,
                }),
                answer: "The offer (OF-5120, 129.00 euros a year) is in your inbox; one click there confirms it. You can \
                         cancel every year until four weeks before the renewal.",
            },
        ],
    },
    Story {
        topic: "safety",
        turns: &[Turn {
            question: "Can I jet wash my e-bike? It's covered in mud.",
            thought: "Jet washes are excluded from the warranty and harm the bearings and the motor's seals.",
            articles: &[4, 3],
            tool: None,
            answer: "Better not: high pressure pushes water past the seals of motor and bearings, and the warranty \
                     does not cover that. Take the battery out, use a bucket, a soft brush and bicycle cleaner, and \
                     oil the chain afterwards.",
        }],
    },
];
