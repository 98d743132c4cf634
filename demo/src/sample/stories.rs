//! What the demo's customers ask and what the assistant of an invented bicycle shop, Kestrel Cycles,
//! answers. Written for this purpose; no customer, order or price exists.

mod orders;
mod products;

/// One conversation, in order.
pub(crate) struct Story {
    /// Becomes a tag.
    pub(crate) topic: &'static str,
    pub(crate) turns: &'static [Turn],
}

/// One question, how the assistant gets to its answer, and the answer.
pub(crate) struct Turn {
    pub(crate) question: &'static str,
    /// What a model that thinks aloud thinks before its first step.
    pub(crate) thought: &'static str,
    /// Numbers in [`ARTICLES`], best first.
    pub(crate) articles: &'static [usize],
    pub(crate) tool: Option<ToolUse>,
    pub(crate) answer: &'static str,
}

/// A call of one of the assistant's tools. Arguments and result are JSON.
pub(crate) struct ToolUse {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) result: &'static str,
}

/// A page of the help centre.
pub(crate) struct Article {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) passage: &'static str,
}

pub(crate) const SYSTEM: &str = "You are the support assistant of Kestrel Cycles, a shop for bicycles and e-bikes. \
Answer from the passages of the help centre and from the tools, and say so when neither knows. Look an order up before \
you talk about it. Never promise a refund above 200 euros; hand the customer over to a colleague instead. Be brief, \
warm and exact: amounts with their currency, dates in full, one question at a time. Answer in the customer's language.";

/// What the assistant says when a tool did not answer.
pub(crate) const TOOL_APOLOGY: &str = "I am sorry: the system that I need for this is not answering at the moment, \
so I would have to guess, and I would rather not. I have noted your question, and a colleague will write to you \
within two hours. Is there anything else that I can help with meanwhile?";

/// Every conversation.
pub(crate) fn all() -> impl Iterator<Item = &'static Story> {
    orders::STORIES.iter().chain(&products::STORIES)
}

/// How many there are.
pub(crate) const COUNT: usize = orders::STORIES.len() + products::STORIES.len();

/// What the bundled model says to `question`: the written answer, or an honest word about itself.
pub fn reply(question: &str) -> Option<String> {
    let known = all()
        .flat_map(|story| story.turns)
        .find(|turn| turn.question == question);
    Some(known.map_or_else(
        || {
            format!(
                "I am the demo's bundled model: I cost nothing, need no key and know little beyond bicycles. \
                 You wrote: \"{question}\". Give Brokle a provider's key, and a real model answers here."
            )
        },
        |turn| turn.answer.to_owned(),
    ))
}

pub(crate) const ARTICLES: [Article; 10] = [
    Article {
        id: "returns",
        title: "Returning something",
        passage: "Anything unused may come back within 30 days of delivery. Parcels up to 20 kg travel free with \
                  the label from your account; for a bicycle we arrange a pick-up at 29 euros. Refunds reach the \
                  original means of payment within five working days of the parcel's arrival.",
    },
    Article {
        id: "delivery",
        title: "Delivery times and costs",
        passage: "Parts and clothing leave the warehouse the same day when ordered before 14:00 and arrive in one to \
                  three working days. Bicycles are assembled first and take four to seven. Delivery is free from \
                  60 euros; below that it costs 4.90 euros.",
    },
    Article {
        id: "frame-size",
        title: "Finding the right frame size",
        passage: "Measure your inseam in centimetres without shoes. Times 0.66 it gives the frame height of a city or \
                  trekking bicycle, times 0.57 that of a mountain bike. Between two sizes, the smaller one is more \
                  agile and the larger one more comfortable over distance.",
    },
    Article {
        id: "battery-care",
        title: "Looking after an e-bike battery",
        passage: "A battery likes to rest at 30 to 60 percent and between 10 and 20 degrees. Charge it indoors, never \
                  below zero, and let a cold battery warm up for an hour first. After two years or 500 full cycles, \
                  80 percent of the original capacity is normal.",
    },
    Article {
        id: "warranty",
        title: "Warranty",
        passage: "Frames are covered for ten years, motors and batteries for two, everything that wears (chains, \
                  pads, tyres) for six months against faults of manufacture. Keep the invoice; photographs of the \
                  damage speed things up. Crashes and jet washes are not covered.",
    },
    Article {
        id: "collect",
        title: "Collecting from a shop",
        passage: "Choose a shop at checkout and we write to you when the order is there, usually after two working \
                  days. Bring the order number and an identity document. We keep it for ten days; somebody else may \
                  collect it with your written word.",
    },
    Article {
        id: "gift-cards",
        title: "Gift cards",
        passage: "Gift cards are good for three years, online and in every shop, and can be spent in parts. The \
                  remaining value is shown under Account, Gift cards. A lost card can be replaced when its number or \
                  the e-mail of its purchase is known.",
    },
    Article {
        id: "service-plan",
        title: "Service plans",
        passage: "The Basic plan (79 euros a year) holds one inspection; Plus (129 euros) two inspections, labour on \
                  wearing parts and a loan bicycle during repairs. Plans renew every year and can be cancelled until \
                  four weeks before.",
    },
    Article {
        id: "change-order",
        title: "Changing or cancelling an order",
        passage: "Address, items and delivery day can be changed until an order is packed, which takes about two \
                  hours on working days. After that we can only redirect the parcel to a pick-up point. Cancelled \
                  orders are refunded at once.",
    },
    Article {
        id: "tubeless",
        title: "Going tubeless",
        passage: "Rims marked TLR take tubeless tyres with rim tape, valves and 60 to 120 ml of sealant a wheel. \
                  Ride ten minutes after filling so that the sealant spreads, check the pressure the next morning, \
                  and top the sealant up every four months.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_speaks_json_and_every_article_exists() {
        for turn in all().flat_map(|story| story.turns) {
            assert!(
                turn.articles.iter().all(|article| *article < ARTICLES.len()),
                "{}",
                turn.question
            );
            let Some(tool) = &turn.tool else { continue };
            for json in [tool.arguments, tool.result] {
                assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
            }
        }
    }

    #[test]
    fn questions_differ_and_each_gets_its_own_answer() {
        let questions: std::collections::BTreeSet<_> = all()
            .flat_map(|story| story.turns)
            .map(|turn| turn.question)
            .collect();
        assert_eq!(
            questions.len(),
            all().map(|story| story.turns.len()).sum::<usize>()
        );
        let turn = &products::STORIES[0].turns[0];
        assert_eq!(reply(turn.question).unwrap(), turn.answer);
        assert!(reply("Who are you?").unwrap().contains("Who are you?"));
    }
}
